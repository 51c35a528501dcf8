"""An order is taken back while its run is open; what was done for it is undone in the background."""

from uuid import UUID

from orders_service.auth import Principal
from orders_service.orders import queries
from orders_service.orders.errors import NotCancellable, UnknownOrder
from orders_service.orders.schemas import OrderStatus, OrderView
from orders_service.orders.viewing import view_of
from pipelines import Transaction, cancel

REASON = "cancelled on request"


def cancel_order(tx: Transaction, order_id: UUID, principal: Principal) -> OrderView:
    """Decide that the order ends `cancelled`. Raises `NotCancellable`, or the run's `StateConflict` in a race."""
    order = queries.find(tx, order_id)
    if order is None or not principal.may_see(order.principal):
        raise UnknownOrder
    if order.status != OrderStatus.PENDING:
        raise NotCancellable(order.status)
    cancel(tx, order.run_id, reason=REASON)
    lines = queries.lines_of(tx, [order.id])[order.id]
    return view_of(order, lines, OrderStatus.CANCELLED, REASON)
