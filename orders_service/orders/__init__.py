"""Orders, from acceptance to the warehouse. The front door of this slice."""

from orders_service.orders.errors import MixedCurrencies, NotCancellable, OrdersError, TotalTooLarge, UnknownOrder
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
from orders_service.orders.schemas import RunLink

__all__ = [
    "CustomerSales",
    "MixedCurrencies",
    "NotCancellable",
    "OrdersError",
    "Part",
    "ProductSales",
    "RunLink",
    "Sales",
    "TotalTooLarge",
    "UnknownOrder",
    "fulfill_order",
    "owner_of_run",
    "parts_of",
    "sales_by_customer",
    "sales_by_product",
    "sales_in",
]
