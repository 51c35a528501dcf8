"""Orders, from acceptance to delivery. The front door of this slice."""

from orders_service.orders.errors import (
    MixedCurrencies,
    NotCancellable,
    OrderMoved,
    OrdersError,
    StillOpen,
    TotalTooLarge,
    UnknownOrder,
)
from orders_service.orders.expiring import expire_reservations, expired_by
from orders_service.orders.fulfilling import fulfill_order
from orders_service.orders.history import (
    CustomerSales,
    Part,
    ProductSales,
    Sales,
    parts_of,
    sales_by_customer,
    sales_by_product,
    sales_in,
)
from orders_service.orders.queries import owner_of_run
from orders_service.orders.shipping import Heard, WarehouseNews, WarehouseWord, hear, must_exist
from orders_service.orders.taking_back import take_back_order
from orders_service.orders.telling import tell_customer

__all__ = [
    "Heard",
from orders_service.orders.schemas import RunLink

__all__ = [
    "CustomerSales",
    "MixedCurrencies",
    "NotCancellable",
    "OrderMoved",
    "OrdersError",
    "StillOpen",
    "Part",
    "ProductSales",
    "RunLink",
    "Sales",
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
    "WarehouseNews",
    "WarehouseWord",
    "expire_reservations",
    "expired_by",
    "fulfill_order",
    "hear",
    "must_exist",
    "owner_of_run",
    "take_back_order",
    "tell_customer",
    "parts_of",
    "sales_by_customer",
    "sales_by_product",
    "sales_in",
    "place_imported",
]
