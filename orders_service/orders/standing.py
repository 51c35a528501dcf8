"""How far an open order has come, which follows from where its run stands and so is stored only once."""

from orders_service.orders.fulfilling import (
    FINAL_STATUS,
    notify_warehouse,
    reserve_stock,
    send_confirmation,
    validate_order,
)
from orders_service.orders.schemas import OrderStatus
from orders_service.orders.tables import Order
from orders_service.stored_values import as_stored
from pipelines import RunStanding, RunState

_BEFORE = {
    validate_order.__name__: OrderStatus.PENDING,
    reserve_stock.__name__: OrderStatus.VALIDATED,
    send_confirmation.__name__: OrderStatus.RESERVED,
    notify_warehouse.__name__: OrderStatus.CONFIRMED,
}


def status_of(order: Order, run: RunStanding | None) -> OrderStatus:
    """The stored status of an order that has ended; else what its run says."""
    if order.status != OrderStatus.PENDING or run is None:
        return as_stored(OrderStatus, order.status)
    if run.ending is not None:  # decided, and being undone
        return FINAL_STATUS[run.ending]
    has_begun = run.attempt > 0 or run.state is RunState.RUNNING
    if run.step == notify_warehouse.__name__ and has_begun:
        return OrderStatus.FULFILLING
    return _BEFORE.get(run.step, OrderStatus.PENDING)


def reason_of(order: Order, run: RunStanding | None) -> str | None:
    """Why it ended as it did, or is about to."""
    return order.reason or (run.reason if run is not None else None)
