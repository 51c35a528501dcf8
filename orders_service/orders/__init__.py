"""Orders, from acceptance to the warehouse. The front door of this slice."""

from orders_service.orders.errors import MixedCurrencies, NotCancellable, OrdersError, TotalTooLarge, UnknownOrder
from orders_service.orders.expiring import expire_reservations, expired_by
from orders_service.orders.fulfilling import fulfill_order
from orders_service.orders.queries import owner_of_run

__all__ = [
    "MixedCurrencies",
    "NotCancellable",
    "OrdersError",
    "TotalTooLarge",
    "UnknownOrder",
    "expire_reservations",
    "expired_by",
    "fulfill_order",
    "owner_of_run",
]
