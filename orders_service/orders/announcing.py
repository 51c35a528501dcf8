"""Subscribers are told of orders: without who it is for and where it goes, and only if anybody wants to hear."""

from orders_service import subscriptions
from orders_service.orders import queries
from orders_service.orders.placed import PlacedOrder
from orders_service.orders.schemas import OrderStatus
from pipelines import Transaction

_SAID = {"id", "items", "total"}


def announce_accepted(tx: Transaction, order: PlacedOrder, principal: str) -> None:
    if subscriptions.is_wanted(tx, "order.accepted"):
        said = order.model_dump(include=_SAID) | {"status": OrderStatus.PENDING}
        subscriptions.publish(tx, "order.accepted", said, owner=principal)


def announce_end(tx: Transaction, order: PlacedOrder, status: OrderStatus, reason: str | None) -> None:
    """`order.completed`, `rejected`, `failed` or `cancelled`."""
    event_type = f"order.{status}"
    if subscriptions.is_wanted(tx, event_type):
        said = order.model_dump(include=_SAID) | {"status": status, "reason": reason}
        subscriptions.publish(tx, event_type, said, owner=queries.principal_of(tx, order.id))
