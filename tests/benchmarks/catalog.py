"""What there is to order in a benchmark, and the orders: the same for both services."""

import json

_SKUS = [f"sku-{number:03}" for number in range(50)]
_ADDRESS = {"name": "Ada", "line1": "1 Loop Lane", "city": "Lyon", "postal_code": "69001", "country": "FR"}


def seed() -> str:
    """The list that `orders seed --catalog` takes: more of each product than a benchmark orders."""
    price = {"amount": 1999, "currency": "EUR"}
    return json.dumps([{"sku": sku, "name": sku, "price": price, "available": 10**8} for sku in _SKUS])


def order(number: int) -> bytes:
    """Order by order another pair of products."""
    skus = [_SKUS[number % 50], _SKUS[(number * 7 + 1 + number // 50) % 50]]
    items = [{"sku": sku, "quantity": 1} for sku in sorted(set(skus))]
    email = f"customer-{number}@example.com"
    return json.dumps({"customer_email": email, "items": items, "shipping_address": _ADDRESS}).encode()
