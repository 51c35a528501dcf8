"""An order is taken back: while its run is open, and as long as the warehouse has not shipped it."""

from dataclasses import dataclass
from uuid import UUID

from orders_service import audit
from orders_service.auth import Principal
from orders_service.orders import queries
from orders_service.orders.errors import NotCancellable, UnknownOrder
from orders_service.orders.schemas import OrderStatus, OrderView
from orders_service.orders.tables import Order
from orders_service.orders.taking_back import TakeBack, take_back_order
from orders_service.orders.viewing import view_all
from orders_service.preconditions import Preconditions, tag_of
from orders_service.run_links import RunLink
from pipelines import Transaction, cancel, start

REASON = "cancelled on request"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Who wants which order cancelled, why, and as whom they know it (`If-Match`)."""

    order_id: UUID
    principal: Principal
    note: audit.Note
    reason: str | None = None
    if_match: str | None = None

    @property
    def because(self) -> str:
        return f"{REASON}: {self.reason}" if self.reason else REASON


def cancel_order(tx: Transaction, wish: Wish) -> OrderView:
    """An open order ends `cancelled`, that is decided; one that the warehouse has is asked back in the background.

    Raises `NotCancellable` with the reason, `PreconditionFailed`, or the run's `StateConflict` when it ends just now.
    """
    order = queries.find(tx, wish.order_id)
    if order is None or not wish.principal.may_see(order.principal):
        raise UnknownOrder
    seen = view_all(tx, [order])[0]
    Preconditions(wish.if_match).check(tag_of(seen.model_dump_json()))
    if order.status == OrderStatus.COMPLETED:
        return seen.model_copy(update={"cancellation": RunLink.to(_ask_back(tx, order, wish))})
    if order.status != OrderStatus.PENDING or seen.status in NotCancellable.WHY:
        raise NotCancellable(seen.status)
    cancel(tx, order.run_id, reason=wish.because)
    after = {"status": OrderStatus.CANCELLED.value, "reason": wish.because}
    audit.record(tx, wish.note, before={"status": seen.status.value}, after=after)
    return seen.model_copy(update={"status": OrderStatus.CANCELLED, "reason": wish.because})


def _ask_back(tx: Transaction, order: Order, wish: Wish) -> UUID:
    """The run that asks the warehouse."""
    if order.cancellation_run_id is not None:
        raise NotCancellable(order.status, "The order is being cancelled already.")
    now = tx.home.clock.now()
    run_id = start(tx, take_back_order, TakeBack(order_id=order.id, reason=wish.because, asked_at=now))
    queries.ask_back(tx, order.id, run_id)
    after = {"cancellation": str(run_id), "reason": wish.because}
    audit.record(tx, wish.note, before={"status": order.status}, after=after, outcome="requested")
    return run_id
