"""Orders of other days, as they lie in the database: sold, or not."""

import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

import httpx2
from sqlalchemy import insert

from orders_service.ids import first_id_at
from orders_service.tables import Order, OrderLine
from pipelines import Transaction
from tests.builders.shop import Shop

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


def a_sale(
    at: datetime = NOON,
    *,
    email: str = "ada@example.com",
    currency: str = "EUR",
    status: str = "completed",
    price: int = 1000,
    **lines: int,
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """An order and its lines; one mug when nothing is named."""
    order_id = UUID(int=first_id_at(at).int | secrets.randbits(60))
    bought = lines or {"mug": 1}
    order = {
        "id": order_id,
        "principal": "ada",
        "status": status,
        "customer_email": email,
        "total_amount": price * sum(bought.values()),
        "total_currency": currency,
        "shipping_address": {},
        "created_at": at,
        "run_id": UUID(int=secrets.randbits(120)),
    }
    return order, [
        {"order_id": order_id, "sku": sku, "place": place, "quantity": quantity, "price_amount": price}
        for place, (sku, quantity) in enumerate(bought.items())
    ]


def store(tx: Transaction, sales: Iterable[tuple[dict[str, Any], list[dict[str, Any]]]]) -> None:
    orders, lines = zip(*sales, strict=True)
    tx.execute(insert(Order), list(orders))
    tx.execute(insert(OrderLine), [line for each in lines for line in each])


async def sold(shop: Shop, *sales: tuple[dict[str, Any], list[dict[str, Any]]]) -> None:
    await shop.process.write(partial(store, sales=sales))


async def requested(shop: Shop, *, by: httpx2.AsyncClient | None = None, **draft: Any) -> Any:
    """A report that was accepted; `since` and `until` stand for the days."""
    named = {{"since": "from", "until": "to"}.get(name, name): value for name, value in draft.items()}
    response = await (by or shop.api).post("/v1/reports", json={"type": "sales"} | named)
    assert response.status_code == 202, response.text
    return response.json()


async def reported(shop: Shop, **draft: Any) -> Any:
    """A report that has ended."""
    report = await requested(shop, **draft)
    await shop.run_to_the_end()
    return (await shop.api.get(f"/v1/reports/{report['id']}")).json()


async def file_of(shop: Shop, report: Any, file_format: str) -> str:
    response = await shop.api.get(f"/v1/reports/{report['id']}/file", params={"format": file_format})
    assert response.status_code == 200, response.text
    return response.text
