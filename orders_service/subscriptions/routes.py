"""The HTTP face of subscriptions to our events."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from orders_service.audit import Auditor
from orders_service.auth import Allowed, Principal, Scope
from orders_service.database import Reading, process_of
from orders_service.gateways import DestinationRefused, Guard
from orders_service.ids import new_id
from orders_service.pages import Limit, Page, cursor_after, place_of
from orders_service.problems import responses
from orders_service.strict_json import StrictRoute
from orders_service.strict_models import StrictModel
from orders_service.subjects import note_subject
from orders_service.subscriptions import endpoints, queries, resending, viewing
from orders_service.subscriptions.errors import AddressRefused
from orders_service.subscriptions.schemas import (
    EndpointChange,
    EndpointDraft,
    EndpointView,
    EndpointWithSecret,
    Resend,
    Rotation,
)
from orders_service.subscriptions.viewing import DeliveryDetails, DeliveryFilter, DeliveryStarted, DeliveryView, Resent

ASK_AGAIN = {"Retry-After": "1"}
_SUBJECT = "webhook_endpoint"

router = APIRouter(
    prefix="/v1/webhook-endpoints", tags=["webhooks"], route_class=StrictRoute, responses=responses(401, 403, 422, 503)
)
Subscribing = Annotated[Principal, Allowed(Scope.WEBHOOKS)]


class EndpointList(StrictModel):
    """Which endpoints to list."""

    cursor: str | None = Field(default=None, max_length=500)
    limit: Limit = Field(default=50, strict=False)


def _see_that_we_call(request: Request, url: str | None) -> None:
    """Judge what can be judged of it now; a name is judged at every connect."""
    guard: Guard = request.state.guard
    try:
        if url is not None:
            guard.admit(url)
    except DestinationRefused:
        raise AddressRefused from None


@router.post("", status_code=201, responses=responses(400, 409, 413, 415))
async def create_endpoint(
    draft: EndpointDraft, principal: Subscribing, auditor: Auditor, request: Request, response: Response
) -> EndpointWithSecret:
    """Have events sent to a URL. The secret that verifies them is in this answer, and is not shown again.

    Staff is sent every event of the types named; others those of what is theirs, and of the catalog. The order in
    which events arrive is not promised: compare their `timestamp`.
    """
    _see_that_we_call(request, draft.url)
    endpoint_id = new_id()
    note = auditor("webhook_endpoint_created", endpoint_id, subject_type=_SUBJECT)
    write, secret = process_of(request).write, endpoints.new_secret()
    created = await write(endpoints.create, endpoint_id, draft, secret=secret, principal=principal, note=note)
    response.headers["Location"] = f"{router.prefix}/{endpoint_id}"
    response.headers["Cache-Control"] = "no-store"
    return created


@router.get("")
def list_endpoints(
    session: Reading, principal: Subscribing, which: Annotated[EndpointList, Query()]
) -> Page[EndpointView]:
    """List endpoints, newest first; an admin sees everybody's."""
    mine = None if principal.is_admin else principal.id
    under = f"endpoints of {mine}"
    before = place_of(which.cursor, under=under)
    found = queries.newest_endpoints(session, owner=mine, before=before, most=which.limit + 1)
    shown = found[: which.limit]
    more = cursor_after(shown[-1].id, under=under) if len(found) > which.limit else None
    return Page(items=[EndpointView.of(endpoint) for endpoint in shown], next=more)


@router.get("/{endpoint_id}", responses=responses(404))
def get_endpoint(endpoint_id: UUID, session: Reading, principal: Subscribing) -> EndpointView:
    """Show an endpoint, without its secret."""
    return EndpointView.of(endpoints.seen_by(session, endpoint_id, principal))


@router.patch("/{endpoint_id}", responses=responses(400, 404, 413, 415))
async def change_endpoint(
    endpoint_id: UUID, wanted: EndpointChange, principal: Subscribing, auditor: Auditor, request: Request
) -> EndpointView:
    """Change an endpoint, or enable it again after it was disabled.

    What happened while it was disabled was not sent; what was on its way then has failed, and can be resent.
    """
    _see_that_we_call(request, wanted.url)
    note = auditor("webhook_endpoint_changed", endpoint_id, subject_type=_SUBJECT)
    return await process_of(request).write(endpoints.change, endpoint_id, wanted, principal, note)


@router.delete("/{endpoint_id}", status_code=204, responses=responses(404))
async def delete_endpoint(endpoint_id: UUID, principal: Subscribing, auditor: Auditor, request: Request) -> None:
    """Remove an endpoint with its secrets. It is sent nothing more."""
    note = auditor("webhook_endpoint_deleted", endpoint_id, subject_type=_SUBJECT)
    await process_of(request).write(endpoints.remove, endpoint_id, principal, note)


@router.post("/{endpoint_id}/rotate-secret", responses=responses(400, 404, 413, 415))
async def rotate_secret(
    endpoint_id: UUID,
    rotation: Rotation,
    *,
    principal: Subscribing,
    auditor: Auditor,
    request: Request,
    response: Response,
) -> EndpointWithSecret:
    """Make a new secret, shown in this answer and not again.

    For `overlap_hours` what we send is signed with the former secret too, so that a receiver can change over.
    """
    note = auditor("webhook_secret_rotated", endpoint_id, subject_type=_SUBJECT)
    write, secret = process_of(request).write, endpoints.new_secret()
    rotated = await write(endpoints.rotate, endpoint_id, rotation, secret=secret, principal=principal, note=note)
    response.headers["Cache-Control"] = "no-store"
    return rotated


@router.post("/{endpoint_id}/test", status_code=202, responses=responses(404, 409))
async def send_test(endpoint_id: UUID, principal: Subscribing, request: Request, response: Response) -> DeliveryStarted:
    """Send the event `webhook.test`, whatever the endpoint subscribes to: at most five are on their way at once."""
    started = await process_of(request).write(resending.send_test, endpoint_id, principal)
    answer = DeliveryStarted.of(started)
    note_subject(request, run_id=answer.run.id)
    response.headers.update(ASK_AGAIN | {"Location": answer.run.url})
    return answer


@router.post("/{endpoint_id}/resend", status_code=202, responses=responses(400, 404, 409, 413, 415))
async def resend(
    endpoint_id: UUID, which: Resend, *, principal: Subscribing, auditor: Auditor, request: Request, response: Response
) -> Resent:
    """Send one delivery again, or all that failed since a moment, at most 1,000 at a time: the same bytes.

    What failed goes out under its old `webhook-id`, so that a receiver that took it after all takes it once. What had
    arrived gets a new one. What is still on its way is a conflict. While `more` is true, send the same request again.
    """
    process, note = process_of(request), auditor("webhook_resent", endpoint_id, subject_type=_SUBJECT)
    if which.delivery_id is not None:
        started = await process.write(resending.resend_one, endpoint_id, which.delivery_id, principal, note)
        link = viewing.RunLink.to(started.run_id)
        note_subject(request, run_id=link.id)
        answer, follow = Resent(resent=1, run=link), link.url
    else:
        resent, more = await resending.resend_failed(process, endpoint_id, which.since, principal, note)
        answer, follow = Resent(resent=resent, more=more), f"{router.prefix}/{endpoint_id}/deliveries"
    response.headers.update(ASK_AGAIN | {"Location": follow})
    return answer


@router.get("/{endpoint_id}/deliveries", responses=responses(404))
def list_deliveries(
    endpoint_id: UUID, session: Reading, principal: Subscribing, which: Annotated[DeliveryFilter, Query()]
) -> Page[DeliveryView]:
    """List what was sent to an endpoint in the last 30 days, newest first."""
    endpoints.seen_by(session, endpoint_id, principal)
    return viewing.page_of(session, endpoint_id, which)


@router.get("/{endpoint_id}/deliveries/{delivery_id}", responses=responses(404))
def get_delivery(endpoint_id: UUID, delivery_id: UUID, session: Reading, principal: Subscribing) -> DeliveryDetails:
    """Show all that was sent, and every attempt with what was answered."""
    endpoints.seen_by(session, endpoint_id, principal)
    return viewing.details_of(session, endpoint_id, delivery_id)
