"""The HTTP face of orders."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from orders_service.audit import Auditor
from orders_service.auth import CurrentPrincipal
from orders_service.database import Reading, process_of
from orders_service.idempotency import IdempotencyKey, once_key
from orders_service.orders.cancelling import Wish
from orders_service.orders.cancelling import cancel_order as cancel
from orders_service.orders.listing import OrderFilter, list_page
from orders_service.orders.placing import place_order
from orders_service.orders.schemas import CancelOrder, OrderDraft, OrderView
from orders_service.orders.viewing import view_one
from orders_service.pages import Page
from orders_service.preconditions import IfMatch, IfNoneMatch, is_known, tag_of
from orders_service.problems import responses
from orders_service.strict_json import StrictRoute
from orders_service.subjects import note_subject
from pipelines import StateConflict

router = APIRouter(prefix="/v1/orders", tags=["orders"], route_class=StrictRoute, responses=responses(401, 422, 503))

_UNCHANGED: dict[int | str, dict[str, Any]] = {304: {"description": "It is what you have."}}
_ASKED_BACK: dict[int | str, dict[str, Any]] = {
    202: {"description": "The warehouse has it, and is asked; `Location` is the run that asks.", "model": OrderView}
}


@router.post("", status_code=201, response_model=OrderView, responses=responses(400, 409, 413, 415))
async def create_order(
    draft: OrderDraft, principal: CurrentPrincipal, request: Request, idempotency_key: IdempotencyKey = None
) -> Response:
    """Accept an order. It is on disk when this answers, and its fulfillment survives any crash.

    With an `Idempotency-Key` the request can be repeated: for 24 hours the same request gets the same answer, marked
    `Idempotent-Replayed: true`, and no second order. A 5xx or a lost answer means that nobody knows: repeat it.
    """
    once = once_key(request, principal, idempotency_key)
    placed = await process_of(request).write(place_order, draft, once, principal.id)
    note_subject(request, order_id=placed.order_id, run_id=placed.run_id)
    return placed.answer.response({"Location": f"/v1/orders/{placed.order_id}"})


@router.get("")
def list_orders(
    session: Reading, principal: CurrentPrincipal, which: Annotated[OrderFilter, Query()]
) -> Page[OrderView]:
    """List orders, newest first; an admin sees everybody's.

    With a `status` a page may hold fewer than `limit`: read on until `next` is null.
    """
    return list_page(session, which, None if principal.is_admin else principal.id)


@router.get("/{order_id}", response_model=OrderView, responses=responses(404) | _UNCHANGED)
def get_order(
    order_id: UUID, session: Reading, principal: CurrentPrincipal, if_none_match: IfNoneMatch = None
) -> Response:
    """Show an order, and how far it has come. Its `ETag` changes with whatever is shown of it."""
    body = view_one(session, order_id, principal).model_dump_json()
    headers = _tagged(body)
    if is_known(if_none_match, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type="application/json")


@router.post(
    "/{order_id}/cancel",
    response_model=OrderView,
    responses=responses(400, 404, 409, 412, 413, 415) | _ASKED_BACK,
)
async def cancel_order(
    order_id: UUID,
    principal: CurrentPrincipal,
    request: Request,
    auditor: Auditor,
    *,
    wanted: CancelOrder | None = None,
    if_match: IfMatch = None,
) -> Response:
    """Take an order back, as long as nothing of it has been shipped.

    While its run is open, that decides it: 200, the order is `cancelled`, and what was done for it is undone in the
    background. When the warehouse has it already, the warehouse is asked: 202, the order stays `completed`, and its
    `cancellation` is the run that asks. If the warehouse agrees the order is `cancelled` and its stock is available
    again; if it says no, or says `order.shipped` first, the order goes on as ordered and may be asked back again. The
    customer is told either way. Later it is a 409 that says why.
    """
    note = auditor("order_cancelled", order_id)
    reason = wanted.reason if wanted is not None else None
    wish = Wish(order_id=order_id, principal=principal, note=note, reason=reason, if_match=if_match)
    try:
        order = await process_of(request).write(cancel, wish)
    except StateConflict:  # its run has ended while we looked: now it is the warehouse that is to be asked, or too late
        order = await process_of(request).write(cancel, wish)
    body = order.model_dump_json()
    headers = _tagged(body)
    if order.cancellation is None:
        return Response(body, headers=headers, media_type="application/json")
    note_subject(request, run_id=order.cancellation.id)
    headers |= {"Location": order.cancellation.url, "Retry-After": "1"}
    return Response(body, status_code=202, headers=headers, media_type="application/json")


def _tagged(body: str) -> dict[str, str]:
    return {"ETag": tag_of(body), "Cache-Control": "private, no-cache"}
