"""What operators do about webhooks: enable, disable, test, send again."""

from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response

from orders_service import subscriptions
from orders_service.audit import Auditor, Note, record
from orders_service.auth import ADMIN
from orders_service.console.moments import LONGEST_MOMENT, moment_in
from orders_service.console.page_route import PageRoute
from orders_service.console.pages import to_page
from orders_service.console.visits import Acting
from orders_service.database import process_of
from orders_service.problems import Problem
from pipelines import Transaction

router = APIRouter(prefix="/console/webhooks/{endpoint_id}", route_class=PageRoute, include_in_schema=False)

_SUBJECT = "webhook_endpoint"
# Whoever may steer background work may do so for everybody's endpoints, as with their runs; the note says who it was.
_FOR_ALL = ADMIN


@router.post("/enable")
async def enable(endpoint_id: UUID, request: Request, _: Acting, auditor: Auditor) -> Response:
    """Send it events again."""
    note = auditor("webhook_endpoint_changed", endpoint_id, subject_type=_SUBJECT)
    change = subscriptions.EndpointChange(enabled=True)
    await process_of(request).write(subscriptions.change, endpoint_id, change, _FOR_ALL, note)
    return _to(request, f"{endpoint_id}", done="enabled")


@router.post("/disable")
async def disable(endpoint_id: UUID, request: Request, _: Acting, auditor: Auditor) -> Response:
    """Send it nothing."""
    note = auditor("webhook_endpoint_changed", endpoint_id, subject_type=_SUBJECT)
    change = subscriptions.EndpointChange(enabled=False)
    await process_of(request).write(subscriptions.change, endpoint_id, change, _FOR_ALL, note)
    return _to(request, f"{endpoint_id}", done="disabled")


@router.post("/test")
async def test(endpoint_id: UUID, request: Request, _: Acting, auditor: Auditor) -> Response:
    """Send it a test event, and watch how that goes."""
    note = auditor("webhook_tested", endpoint_id, subject_type=_SUBJECT)
    delivery_id = await process_of(request).write(_send_test, endpoint_id, note)
    return _to(request, f"{endpoint_id}/deliveries/{delivery_id}", done="tested")


@router.post("/deliveries/{delivery_id}/resend")
async def resend(endpoint_id: UUID, delivery_id: UUID, request: Request, _: Acting, auditor: Auditor) -> Response:
    """Send one delivery again, and watch how that goes."""
    note = auditor("webhook_resent", endpoint_id, subject_type=_SUBJECT)
    started = await process_of(request).write(subscriptions.resend_one, endpoint_id, delivery_id, _FOR_ALL, note)
    return _to(request, f"{endpoint_id}/deliveries/{started.delivery_id}", done="resent")


@router.post("/resend")
async def resend_failed(
    endpoint_id: UUID,
    since: Annotated[str, Form(max_length=LONGEST_MOMENT)],
    request: Request,
    _: Acting,
    auditor: Auditor,
) -> Response:
    """Send again all that failed since a moment, at most a thousand at once."""
    moment = moment_in(since, field="since", location="body")
    if moment is None:
        raise Problem("invalid-request", "Since when?")
    note = auditor("webhook_resent", endpoint_id, subject_type=_SUBJECT)
    count, more = await subscriptions.resend_failed(process_of(request), endpoint_id, moment, _FOR_ALL, note)
    if not count:
        return _to(request, f"{endpoint_id}", done="nothing")
    return _to(request, f"{endpoint_id}", done="resent-all", count=count, **({"more": "true"} if more else {}))


def _send_test(tx: Transaction, endpoint_id: UUID, note: Note) -> UUID:
    started = subscriptions.send_test(tx, endpoint_id, _FOR_ALL)
    record(tx, note, after={"delivery_id": str(started.delivery_id)})
    return started.delivery_id


def _to(request: Request, path: str, **query: object) -> Response:
    return to_page(request, f"/console/webhooks/{path}?{urlencode(query)}")
