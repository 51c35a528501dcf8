"""Orders, from acceptance to the warehouse. The front door of this slice."""

from orders_service.orders.errors import MixedCurrencies, NotCancellable, OrdersError, TotalTooLarge, UnknownOrder
from orders_service.orders.fulfilling import fulfill_order
from orders_service.orders.placing import place_imported
from orders_service.orders.queries import owner_of_run
from orders_service.orders.schemas import MOST_LINES, OrderDraft, RunLink

__all__ = [
    "MOST_LINES",
    "MixedCurrencies",
    "NotCancellable",
    "OrderDraft",
    "OrdersError",
    "RunLink",
    "TotalTooLarge",
    "UnknownOrder",
    "fulfill_order",
    "owner_of_run",
    "place_imported",
]
