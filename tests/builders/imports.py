"""Files of orders, and imports of them; a test names only what matters to it."""

import csv
import io
from collections.abc import Iterable
from typing import Any

import httpx2
import pytest

from orders_service.imports import ImportDesk, chunks
from orders_service.imports.chunks import Chunk
from orders_service.imports.records import HEADER
from tests.builders.gateways import Door
from tests.builders.shop import Shop

GOOD: dict[str, str] = {
    "order_ref": "A-1",
    "customer_email": "ada@example.com",
    "sku": "mug",
    "quantity": "1",
    "name": "Ada",
    "line1": "1 Loop Lane",
    "line2": "",
    "city": "Lyon",
    "postal_code": "69001",
    "country": "FR",
}


def a_row(order_ref: str = "A-1", **cells: object) -> list[str]:
    """`a_row("A-7", quantity=2)`: a row that is right but for what is named."""
    said = {**GOOD, "order_ref": order_ref, **cells}
    return [str(said[name]) for name in HEADER]


def a_file(*rows: Iterable[str], header: Iterable[str] = HEADER, line_end: str = "\n") -> bytes:
    """A CSV of these rows; one good row when none is given."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=line_end).writerows([header, *(rows or (a_row(),))])
    return text.getvalue().encode()


async def sent(
    client: httpx2.AsyncClient, content: bytes, *, name: str = "orders.csv", key: str | None = None
) -> httpx2.Response:
    headers = {"Idempotency-Key": key} if key is not None else {}
    return await client.post("/v1/imports", files={"file": (name, content, "text/csv")}, headers=headers)


async def accepted(shop: Shop, content: bytes, *, by: httpx2.AsyncClient | None = None) -> Any:
    """An import that was accepted, as it was answered."""
    response = await sent(by or shop.api, content)
    assert response.status_code == 202, response.text
    return response.json()


async def imported(shop: Shop, *rows: Iterable[str]) -> Any:
    """The import of these rows when everything has come to rest."""
    return await at_rest(shop, await accepted(shop, a_file(*rows)))


async def at_rest(shop: Shop, order_import: Any) -> Any:
    await shop.run_to_the_end()
    return (await shop.api.get(f"/v1/imports/{order_import['id']}")).json()


async def complaints(shop: Shop, order_import: Any) -> list[list[str]]:
    """The rows of its errors, without the header."""
    response = await shop.api.get(order_import["errors_url"])
    assert response.status_code == 200, response.text
    header, *rows = csv.reader(io.StringIO(response.text, newline=""))
    assert header == ["row", "order_ref", "column", "message"]
    return rows


def door_between_chunks(monkeypatch: pytest.MonkeyPatch) -> Door:
    """Chunks of two orders each: closed, every one but the first waits there."""
    door, write = Door(), ImportDesk.write_chunk

    async def write_behind_the_door(desk: ImportDesk, import_id: Any, principal: str, chunk: Chunk) -> Any:
        if chunk.begins_at.byte:
            await door.knock()
        return await write(desk, import_id, principal, chunk)

    monkeypatch.setattr(chunks, "MOST_ORDERS", 2)
    monkeypatch.setattr(ImportDesk, "write_chunk", write_behind_the_door)
    return door


async def begun(shop: Shop, door: Door) -> Any:
    """An import whose first chunk is on disk, and whose second is about to be."""
    door.close()
    order_import = await accepted(shop, a_file(*(a_row(f"A-{number}") for number in range(10))))
    await door.until_somebody_waits()
    return order_import
