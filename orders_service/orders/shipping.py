"""What the warehouse says of an order that it has accepted: shipped, delivered, or refused after all."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from orders_service import inventory
from orders_service.orders import queries
from orders_service.orders.announcing import Happening, announce
from orders_service.orders.errors import StillOpen, UnknownOrder
from orders_service.orders.schemas import OrderStatus
from orders_service.orders.tables import Order
from orders_service.orders.undoing import undo_accepted
from orders_service.stored_values import as_stored
from pipelines import RunState, Transaction, standings


class WarehouseWord(StrEnum):
    """What it may say."""

    SHIPPED = "shipped"
    DELIVERED = "delivered"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class WarehouseNews:
    """What happened to which order, and when it happened there."""

    order_id: UUID
    word: WarehouseWord
    at: datetime
    tracking: Mapping[str, str] | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Heard:
    """The order before and after; the same when the news came too late, or twice."""

    before: str
    after: str

    @property
    def moved(self) -> bool:
        return self.before != self.after


# An order moves along these and no others, so none moves back, in whatever order the news comes.
_MOVES = {
    (OrderStatus.COMPLETED, WarehouseWord.SHIPPED): OrderStatus.SHIPPED,
    (OrderStatus.COMPLETED, WarehouseWord.DELIVERED): OrderStatus.DELIVERED,
    (OrderStatus.SHIPPED, WarehouseWord.DELIVERED): OrderStatus.DELIVERED,
    (OrderStatus.COMPLETED, WarehouseWord.REFUSED): OrderStatus.REJECTED,
}
_ON_ITS_WAY = {OrderStatus.SHIPPED, OrderStatus.DELIVERED}


def must_exist(tx: Transaction, order_id: UUID) -> None:
    """Raises `UnknownOrder`."""
    if queries.find(tx, order_id) is None:
        raise UnknownOrder


def hear(tx: Transaction, news: WarehouseNews) -> Heard:
    """Move the order as the warehouse says, if it can still move there.

    Raises `StillOpen` while our own run may yet complete it: the warehouse was quicker. Raises `OrderMoved` when it
    moved in between: hear again.
    """
    order = queries.find(tx, news.order_id)
    if order is None:
        raise UnknownOrder
    if _is_open(tx, order):
        raise StillOpen
    to = _MOVES.get((as_stored(OrderStatus, order.status), news.word))
    match to:
        case OrderStatus.SHIPPED:
            _ship(tx, order, news)
        case OrderStatus.DELIVERED:
            _deliver(tx, order, news)
        case OrderStatus.REJECTED:
            _refuse(tx, order, news)
        case _:
            _note_details(tx, order, news)
    return Heard(order.status, to or order.status)


def _is_open(tx: Transaction, order: Order) -> bool:
    """In quarantine it may still be retried, and then the warehouse is not asked again.

    Where the warehouse could not be told to forget it, it may have shipped it: that waits for an operator too.
    """
    if order.status not in {OrderStatus.FAILED, OrderStatus.CANCELLED, OrderStatus.REJECTED}:
        return order.status == OrderStatus.PENDING
    run = standings(tx, [order.run_id]).get(order.run_id)
    return run is not None and (run.state is RunState.QUARANTINED or run.undo_failure is not None)


def _ship(tx: Transaction, order: Order, news: WarehouseNews) -> None:
    inventory.ship(tx, order.id)
    queries.ship(tx, order.id, news.at, news.tracking)
    announce(tx, order, Happening.SHIPPED, tracking=news.tracking)


def _deliver(tx: Transaction, order: Order, news: WarehouseNews) -> None:
    inventory.ship(tx, order.id)  # nothing to do, unless nobody said that it was shipped
    queries.deliver(tx, order.id, order.status, news.at)
    announce(tx, order, Happening.DELIVERED)


def _refuse(tx: Transaction, order: Order, news: WarehouseNews) -> None:
    reason = f"the warehouse refused it: {news.reason}" if news.reason else "the warehouse refused it"
    undo_accepted(tx, order, OrderStatus.REJECTED, reason)
    announce(tx, order, Happening.REFUSED, reason=reason)


def _note_details(tx: Transaction, order: Order, news: WarehouseNews) -> None:
    """What is only now heard of the shipping, or newer than what was heard of it."""
    is_newer = order.shipped_at is None or news.at > order.shipped_at
    if news.word is WarehouseWord.SHIPPED and order.status in _ON_ITS_WAY and is_newer:
        queries.note_shipping(tx, order.id, news.at, news.tracking)
