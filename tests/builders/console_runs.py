"""Runs worth looking at, and somebody who looks at them: pages as people read them, and streams as browsers do."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import unescape
from typing import Any, NamedTuple
from uuid import UUID

import httpx2

from orders_service.console.visits import COOKIE
from orders_service.gateways import WarehouseRefused, WarehouseUnavailable
from tests.builders.console import Visitor
from tests.builders.orders import an_order
from tests.builders.shop import BETWEEN_ATTEMPTS, Shop
from tests.harness.uvicorn_server import serving

ON_FIRE = "the warehouse is on fire"
_TAGS = re.compile(r"<[^>]*>")


async def completed_order(shop: Shop) -> Any:
    order = await shop.placed()
    await shop.run_to_the_end()
    return order


async def waiting_order(shop: Shop, *, failures: int = 2) -> Any:
    """The warehouse has not answered so often, and will be asked once more."""
    shop.warehouse.door.troubles = [WarehouseUnavailable(ON_FIRE) for _ in range(failures)]
    order = await shop.placed()
    await shop.settled()
    for _ in range(failures - 1):
        await shop.advance(BETWEEN_ATTEMPTS)
    return order


async def failed_order(shop: Shop, error: Exception | None = None) -> Any:
    """The warehouse would not take it, so it is undone."""
    shop.warehouse.door.troubles = [error or WarehouseRefused(ON_FIRE)]
    return await completed_order(shop)


async def rejected_order(shop: Shop) -> Any:
    """Nothing but the first step was tried."""
    order = await shop.placed(an_order(email="ada@mailinator.com"))
    await shop.run_to_the_end()
    return order


async def half_undone_order(shop: Shop) -> Any:
    """The warehouse would neither take it nor cancel it."""
    shop.warehouse.back_door.troubles = [WarehouseRefused("it has left")]
    return await failed_order(shop)


async def running_order(shop: Shop) -> Any:
    """The warehouse is being asked, and does not answer until its door opens."""
    shop.warehouse.door.close()
    order = await shop.placed()
    await shop.warehouse.door.until_somebody_waits()
    return order


def page_of(record: Any) -> str:
    """Where the run of an order, an import or a report is shown."""
    return f"/console/runs/{record['run']['id']}"


def run_of(shop: Shop, pipeline: str) -> UUID:
    """The only run of this pipeline."""
    [run] = [run for run in shop.runs() if run.pipeline == pipeline]
    return run.id


def read(html: str) -> str:
    """What a person reads: words without tags, single blanks between them."""
    return " ".join(unescape(_TAGS.sub(" ", html)).split())


class Part(NamedTuple):
    """A part of a page, as a stream sends it."""

    name: str
    html: str

    @property
    def text(self) -> str:
        return read(self.html)


@asynccontextmanager
async def following(
    shop: Shop, visitor: Visitor, path: str
) -> AsyncIterator[tuple[httpx2.Response, AsyncIterator[Part]]]:
    """The stream behind a page, from a real server: leaving the block hangs up."""
    cookies = {"Cookie": f"{COOKIE}={visitor.client.cookies[COOKIE]}"}
    async with (
        serving(shop.served) as (host, port),
        httpx2.AsyncClient(base_url=f"http://{host}:{port}", timeout=20, headers=cookies) as client,
        client.stream("GET", f"{path}/events", follow_redirects=False) as response,
    ):
        yield response, _parts(response)


async def _parts(response: httpx2.Response) -> AsyncIterator[Part]:
    name, lines = "", list[str]()
    async for line in response.aiter_lines():
        field, _, value = line.partition(":")
        if field == "event":
            name = value.strip()
        elif field == "data":
            lines.append(value.removeprefix(" "))
        elif not line and name:
            yield Part(name, "\n".join(lines))
            name, lines = "", []
