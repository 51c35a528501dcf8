"""Webhooks: who is told of what, and how that goes."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from orders_service import subscriptions
from orders_service.console.moments import typed
from orders_service.console.page_route import PageRoute
from orders_service.console.pages import page
from orders_service.console.visits import Visit, Visitor
from orders_service.console.webhooks import address_of, readable, said_of
from orders_service.database import Reading, process_of
from pipelines import ReadSession

router = APIRouter(prefix="/console/webhooks", route_class=PageRoute, include_in_schema=False)

Cursor = Annotated[str | None, Query(max_length=500)]
State = Literal["", "pending", "delivered", "failed"]
_ON_A_PAGE = 50


@router.get("")
def webhooks(request: Request, visit: Visitor, session: Reading, cursor: Cursor = None) -> Response:
    """Everybody's endpoints, newest first, and how they fare."""
    listed = subscriptions.survey(session, now=process_of(request).clock.now(), cursor=cursor)
    return page(request, "webhooks.html", visit, listed=listed, cursor=cursor, address_of=address_of)


@router.get("/{endpoint_id}")
def webhook(
    endpoint_id: UUID,
    request: Request,
    visit: Visitor,
    session: Reading,
    *,
    state: State = "",
    cursor: Cursor = None,
    done: str = "",
    count: int = 0,
    more: bool = False,
) -> Response:
    """One endpoint, with what was sent to it."""
    standing = subscriptions.standing_of(session, endpoint_id, now=(now := process_of(request).clock.now()))
    which = subscriptions.DeliveryFilter(state=state or None, cursor=cursor, limit=_ON_A_PAGE)
    return page(
        request,
        "webhook.html",
        visit,
        standing=standing,
        address=address_of(standing.endpoint.url, visit.principal),
        deliveries=subscriptions.page_of(session, endpoint_id, which),
        state_shown=state,
        cursor=cursor,
        since=typed(now - subscriptions.LATELY),
        said=said_of(done, count, more=more),
    )


@router.get("/{endpoint_id}/deliveries/{delivery_id}")
def delivery(
    endpoint_id: UUID, delivery_id: UUID, *, request: Request, visit: Visitor, session: Reading, done: str = ""
) -> Response:
    """One delivery: all that was sent, and what was answered each time."""
    shown = _delivery(session, visit, endpoint_id, delivery_id, process_of(request).clock.now())
    return page(request, "delivery.html", visit, said=said_of(done, 1, more=False), **shown)


@router.get("/{endpoint_id}/deliveries/{delivery_id}/progress")
def delivery_progress(
    endpoint_id: UUID, delivery_id: UUID, request: Request, visit: Visitor, session: Reading
) -> Response:
    """The part of that page which changes: it asks for itself again until the delivery has ended."""
    shown = _delivery(session, visit, endpoint_id, delivery_id, process_of(request).clock.now())
    return page(request, "delivery_progress.html", visit, **shown)


def _delivery(
    session: ReadSession, visit: Visit, endpoint_id: UUID, delivery_id: UUID, now: datetime
) -> dict[str, Any]:
    endpoint = subscriptions.standing_of(session, endpoint_id, now=now).endpoint
    sent = subscriptions.details_of(session, endpoint_id, delivery_id)
    return {
        "endpoint": endpoint,
        "address": address_of(endpoint.url, visit.principal),
        "delivery": sent,
        "body": readable(sent.request or ""),
    }
