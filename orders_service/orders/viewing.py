"""Orders as their owners see them."""

from collections.abc import Sequence
from uuid import UUID

from pydantic_core import from_json

from orders_service.auth import Principal
from orders_service.money import Money
from orders_service.orders import queries
from orders_service.orders.errors import UnknownOrder
from orders_service.orders.schemas import Address, OrderStatus, OrderView, PricedItem
from orders_service.orders.standing import reason_of, status_of
from orders_service.orders.tables import Order, OrderLine
from orders_service.run_links import RunLink
from pipelines import ReadSession, RunRecord, Transaction, standings


def view_one(session: ReadSession | Transaction, order_id: UUID, principal: Principal) -> OrderView:
    """Raises `UnknownOrder` for a missing one and for somebody else's alike."""
    order = queries.find(session, order_id)
    if order is None or not principal.may_see(order.principal):
        raise UnknownOrder
    return view_all(session, [order])[0]


def order_behind(session: ReadSession, run: RunRecord) -> OrderView | None:
    """The order that a run works for, for staff: which one says the order itself, or what the run was started for."""
    order = queries.find_by_run(session, run.id)
    if order is None and (order_id := _named_in(run.payload)) is not None:
        order = queries.find(session, order_id)
    return view_all(session, [order])[0] if order is not None else None


def _named_in(payload: str) -> UUID | None:
    """Runs of other pipelines about an order name it so: mails to its customer, news of the warehouse."""
    try:
        match from_json(payload):
            case {"order_id": str(order_id)}:
                return UUID(order_id)
    except ValueError:
        pass
    return None


def view_all(session: ReadSession | Transaction, orders: Sequence[Order]) -> list[OrderView]:
    """Three statements, however many orders."""
    lines = queries.lines_of(session, [order.id for order in orders])
    runs = standings(session, [order.run_id for order in orders if order.status == OrderStatus.PENDING])
    return [
        view_of(
            order,
            lines[order.id],
            status_of(order, runs.get(order.run_id)),
            reason_of(order, runs.get(order.run_id)),
        )
        for order in orders
    ]


def view_of(order: Order, lines: Sequence[OrderLine], status: OrderStatus, reason: str | None) -> OrderView:
    currency = order.total_currency
    return OrderView(
        id=order.id,
        status=status,
        reason=reason,
        customer_email=order.customer_email,
        items=tuple(
            PricedItem(sku=line.sku, quantity=line.quantity, price=Money(amount=line.price_amount, currency=currency))
            for line in lines
        ),
        total=Money(amount=order.total_amount, currency=currency),
        shipping_address=Address(**order.shipping_address),
        created_at=order.created_at,
        run=RunLink.to(order.run_id),
        cancellation=RunLink.to(order.cancellation_run_id) if order.cancellation_run_id is not None else None,
        shipped_at=order.shipped_at,
        delivered_at=order.delivered_at,
        tracking=order.tracking,
    )
