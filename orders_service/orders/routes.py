"""The HTTP face of orders."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from orders_service.auth import CurrentPrincipal
from orders_service.database import Reading, process_of
from orders_service.idempotency import IdempotencyKey, once_key
from orders_service.orders import queries
from orders_service.orders.cancelling import cancel_order as cancel
from orders_service.orders.placing import place_order
from orders_service.orders.schemas import OrderDraft, OrderView
from orders_service.orders.viewing import view_all, view_one
from orders_service.pages import Limit, Page, cursor_after, place_of
from orders_service.problems import responses
from orders_service.strict_json import StrictRoute
from orders_service.strict_models import StrictModel

router = APIRouter(prefix="/v1/orders", tags=["orders"], route_class=StrictRoute, responses=responses(401, 422, 503))


class OrderList(StrictModel):
    """Which orders to list."""

    cursor: str | None = Field(default=None, max_length=500)
    limit: Limit = Field(default=50, strict=False)


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
    headers = {"Location": f"/v1/orders/{placed.order_id}"}
    if placed.answer.is_replay:
        headers["Idempotent-Replayed"] = "true"
    return Response(placed.answer.body, placed.answer.status, headers, "application/json")


@router.get("")
def list_orders(session: Reading, principal: CurrentPrincipal, which: Annotated[OrderList, Query()]) -> Page[OrderView]:
    """List orders, newest first; an admin sees everybody's."""
    mine = None if principal.is_admin else principal.id
    under = f"orders of {mine}"
    before = place_of(which.cursor, under=under)
    orders = queries.newest(session, principal=mine, before=before, most=which.limit + 1)
    shown = orders[: which.limit]
    more = cursor_after(shown[-1].id, under=under) if len(orders) > which.limit else None
    return Page(items=view_all(session, shown), next=more)


@router.get("/{order_id}", responses=responses(404))
def get_order(order_id: UUID, session: Reading, principal: CurrentPrincipal) -> OrderView:
    """Show an order, and how far it has come."""
    return view_one(session, order_id, principal)


@router.post("/{order_id}/cancel", responses=responses(404, 409))
async def cancel_order(order_id: UUID, principal: CurrentPrincipal, request: Request) -> OrderView:
    """Take an order back while it is open. What was done for it is undone in the background."""
    return await process_of(request).write(cancel, order_id, principal)
