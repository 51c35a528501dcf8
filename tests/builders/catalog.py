"""Products as their keepers send them; a test names only what matters to it."""

from typing import Any

import httpx2
from sqlalchemy import text

from tests.builders.shop import Shop


def a_draft(*, price: int = 1999, currency: str = "EUR", **fields: Any) -> dict[str, Any]:
    return {"name": "Sofa", "price": {"amount": price, "currency": currency}, "available": 7, **fields}


async def put(shop: Shop, sku: str = "sofa", *, by: httpx2.AsyncClient | None = None, **fields: Any) -> httpx2.Response:
    return await (by or shop.api).put(f"/v1/products/{sku}", json=a_draft(**fields))


async def get(shop: Shop, sku: str = "sofa", **headers: str) -> httpx2.Response:
    return await shop.api.get(f"/v1/products/{sku}", headers=headers)


async def adjust(shop: Shop, sku: str, change: int, reason: str = "counted", **headers: str) -> httpx2.Response:
    body = {"change": change, "reason": reason}
    return await shop.api.post(f"/v1/products/{sku}/stock", json=body, headers=headers)


async def listed(shop: Shop, **query: Any) -> Any:
    response = await shop.api.get("/v1/products", params=query)
    assert response.status_code == 200, response.text
    return response.json()


def balance(shop: Shop, sku: str) -> tuple[int, int, int]:
    """How many are available, held and shipped; together they are what came (I3)."""
    shelf = text("SELECT available, reserved, consumed FROM stock WHERE sku = :sku").bindparams(sku=sku)
    came = text("SELECT sum(change) FROM stock_movements WHERE sku = :sku").bindparams(sku=sku)
    available, reserved, consumed = shop.rows(shelf)[0]
    assert available + reserved + consumed == (shop.rows(came)[0][0] or 0)
    assert min(available, reserved, consumed) >= 0
    return available, reserved, consumed
