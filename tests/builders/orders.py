"""Orders as clients send them, and products to order; a test names only what matters to it."""

from typing import Any

from orders_service.inventory import CatalogEntry
from orders_service.money import Money

PRICE = 1999


def an_order(*, email: str = "ada@example.com", items: Any = None, **lines: int) -> dict[str, Any]:
    """`an_order(lamp=2)`; one mug when nothing is named. `items` goes in as it is."""
    if items is None:
        items = [{"sku": sku, "quantity": quantity} for sku, quantity in (lines or {"mug": 1}).items()]
    return {"customer_email": email, "items": items, "shipping_address": an_address()}


def an_address(**fields: Any) -> dict[str, Any]:
    return {"line1": "1 Loop Lane", "city": "Lyon", "postal_code": "69001", "country": "FR", **fields}


def a_product(sku: str, *, price: int = PRICE, currency: str = "EUR", available: int = 100) -> CatalogEntry:
    return CatalogEntry(sku=sku, name=sku, price=Money(amount=price, currency=currency), available=available)
