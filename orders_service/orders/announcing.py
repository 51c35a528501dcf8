"""What has become of an order, told to whoever has to know: its customer by mail."""

from collections.abc import Mapping
from enum import StrEnum

from orders_service.orders import queries
from orders_service.orders.schemas import OrderStatus
from orders_service.orders.tables import Order
from orders_service.orders.telling import Notice, has_letter, tell_customer
from pipelines import Ending, RunState, Transaction, start


class Happening(StrEnum):
    """What may become of an order, in the words of the events."""

    SHIPPED = "order.shipped"
    DELIVERED = "order.delivered"
    REFUSED = "order.refused"  # by the warehouse, which had accepted it
    REJECTED = "order.rejected"
    FAILED = "order.failed"
    CANCELLED = "order.cancelled"
    NOT_CANCELLED = "order.cancellation_refused"


_OF_ENDING = {
    RunState.REJECTED: Happening.REJECTED,
    RunState.FAILED: Happening.FAILED,
    RunState.CANCELLED: Happening.CANCELLED,
}


def announce(
    tx: Transaction,
    order: Order,
    what: Happening,
    *,
    reason: str | None = None,
    tracking: Mapping[str, str] | None = None,
) -> None:
    """Everything that hears of an order hears of it from here, in the transaction of the change."""
    if has_letter(what):
        notice = Notice(
            order_id=order.id,
            to=order.customer_email,
            what=what,
            reason=reason,
            tracking=dict(tracking) if tracking else None,
            at=tx.home.clock.now(),
        )
        start(tx, tell_customer, notice)


def end_badly(tx: Transaction, order: Order | None, status: OrderStatus, ending: Ending) -> None:
    """The order will not be fulfilled. Its customer is told once, however often its undoing is taken up again.

    Nobody is told of a quarantine: whoever runs the service decides what becomes of it, and then it is told.
    """
    if order is None:
        return
    what = _OF_ENDING.get(ending.state) if order.told_at is None else None
    queries.end_badly(tx, order.id, status, ending.reason, told_at=tx.home.clock.now() if what else None)
    if what is not None:
        announce(tx, order, what, reason=ending.reason)
