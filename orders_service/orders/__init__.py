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
from orders_service.orders.placing import place_imported
from orders_service.orders.queries import owner_of_run, run_of
from orders_service.orders.schemas import MOST_LINES, OrderDraft, OrderView
from orders_service.orders.shipping import Heard, WarehouseNews, WarehouseWord, hear, must_exist
from orders_service.orders.taking_back import take_back_order
from orders_service.orders.telling import tell_customer
from orders_service.orders.viewing import order_behind

__all__ = [
    "MOST_LINES",
    "CustomerSales",
    "Heard",
    "MixedCurrencies",
    "NotCancellable",
    "OrderDraft",
    "OrderMoved",
    "OrderView",
    "OrdersError",
    "Part",
    "ProductSales",
    "Sales",
    "StillOpen",
    "TotalTooLarge",
    "UnknownOrder",
    "WarehouseNews",
    "WarehouseWord",
    "expire_reservations",
    "expired_by",
    "fulfill_order",
    "hear",
    "must_exist",
    "order_behind",
    "owner_of_run",
    "parts_of",
    "place_imported",
    "run_of",
    "sales_by_customer",
    "sales_by_product",
    "sales_in",
    "take_back_order",
    "tell_customer",
]
