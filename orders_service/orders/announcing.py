"""What becomes of an order, told to whoever has to know: subscribers by webhook, its customer by mail."""

from collections.abc import Mapping
from enum import StrEnum

from orders_service import subscriptions
from orders_service.money import Money
from orders_service.orders import queries
from orders_service.orders.placed import PlacedOrder
from orders_service.orders.schemas import OrderStatus, PricedItem
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
    NOT_CANCELLED = "order.cancellation_refused"  # for its customer alone: nothing of the order has changed


_THEN = {
    Happening.SHIPPED: OrderStatus.SHIPPED,
    Happening.DELIVERED: OrderStatus.DELIVERED,
    Happening.REFUSED: OrderStatus.REJECTED,
    Happening.REJECTED: OrderStatus.REJECTED,
    Happening.FAILED: OrderStatus.FAILED,
    Happening.CANCELLED: OrderStatus.CANCELLED,
}
_OF_ENDING = {
    RunState.REJECTED: Happening.REJECTED,
    RunState.FAILED: Happening.FAILED,
    RunState.CANCELLED: Happening.CANCELLED,
}
_SAID = {"id", "items", "total"}


def announce_accepted(tx: Transaction, order: PlacedOrder) -> None:
    """On the way of every order: it costs next to nothing when nobody subscribes."""
    if subscriptions.is_wanted(tx, "order.accepted"):
        said = order.model_dump(include=_SAID) | {"status": OrderStatus.PENDING}
        subscriptions.publish(tx, "order.accepted", said, owner=order.principal)


def announce_completed(tx: Transaction, order: PlacedOrder) -> None:
    """The same. Its customer has had the confirmation, and hears again when it is shipped."""
    if subscriptions.is_wanted(tx, "order.completed"):
        said = order.model_dump(include=_SAID) | {"status": OrderStatus.COMPLETED}
        owner = order.principal or queries.principal_of(tx, order.id)  # not in what the first release has stored
        subscriptions.publish(tx, "order.completed", said, owner=owner)


def announce(
    tx: Transaction,
    order: Order,
    what: Happening,
    *,
    reason: str | None = None,
    tracking: Mapping[str, str] | None = None,
) -> None:
    """Whatever else becomes of an order is told from here, in the transaction of the change."""
    if what in _THEN and subscriptions.is_wanted(tx, what):
        subscriptions.publish(tx, what, _news_of(tx, order, _THEN[what], reason), owner=order.principal)
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
    """The order will not be fulfilled. That is told once, however often its undoing is taken up again.

    Nobody is told of a quarantine: whoever runs the service decides what becomes of it, and then it is told.
    """
    if order is None:
        return
    what = _OF_ENDING.get(ending.state) if order.told_at is None else None
    queries.end_badly(tx, order.id, status, ending.reason, told_at=tx.home.clock.now() if what else None)
    if what is not None:
        announce(tx, order, what, reason=ending.reason)


def _news_of(tx: Transaction, order: Order, status: OrderStatus, reason: str | None) -> dict[str, object]:
    """Without who it is for and where it goes."""
    currency = order.total_currency
    items = [
        PricedItem(
            sku=line.sku, quantity=line.quantity, price=Money(amount=line.price_amount, currency=currency)
        ).model_dump()
        for line in queries.lines_of(tx, [order.id])[order.id]
    ]
    total = Money(amount=order.total_amount, currency=currency)
    return {"id": order.id, "status": status, "items": items, "total": total, "reason": reason}
