"""Several processes on one PostgreSQL for a benchmark: those that take orders, and those that carry them on."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import aiohttp
from pydantic import SecretStr

from orders_service import schema, starting
from orders_service.settings import Settings
from tests.benchmarks import catalog
from tests.benchmarks.subjects import Running, Site
from tests.harness.orders import ADMIN_KEY, Installation, OrdersServer

PIPELINE = "fulfill-order"
_START_SECONDS = 120.0  # side by side on a busy machine


@dataclass(frozen=True)
class Camp:
    """One installation, prepared; processes of any role come and go in it."""

    installation: Installation

    @asynccontextmanager
    async def one(self, role: str, settings: Mapping[str, str] | None = None) -> AsyncIterator[OrdersServer]:
        """A process that is ready. At the end it drains, so that PostgreSQL hears of all that it has counted."""
        async with self.several(role, 1, settings) as [server]:
            yield server

    @asynccontextmanager
    async def several(
        self,
        role: str,
        count: int,
        settings: Mapping[str, str] | None = None,
        *,
        make: Callable[[Installation, str], OrdersServer] = Installation.server,
    ) -> AsyncIterator[Sequence[OrdersServer]]:
        """So many at once, which start side by side; something else than `orders serve` perhaps."""
        installation = replace(self.installation, settings={"ORDERS_ROLE": role, **(settings or {})})
        servers = [make(installation, f"{role}-{number}") for number in range(count)]
        async with AsyncExitStack() as stack:
            for server in servers:
                server.start()
                stack.push_async_callback(server.kill)
            for server in servers:
                await server.until_ready(server.ready_url, within_seconds=_START_SECONDS)
            yield servers
            for server in servers:
                server.terminate()
            for server in servers:
                await server.until_exit()


async def pitched(site: Site) -> Camp:
    """Migrated, with more on the shelf than anybody orders."""
    await asyncio.to_thread(_prepare, site)
    return Camp(Installation(database_url=site.database_url, folder=site.folder, fulfillment_url=site.warehouse_url))


def front(server: OrdersServer) -> Running:
    """As the benchmark's client wants it."""
    return Running(server, server.port)


async def steer(server: OrdersServer, verb: str) -> None:
    """Let the work on orders rest, or go on, in all processes: `pause`, `resume`."""
    await _ask(server, f"/v1/pipelines/{PIPELINE}/{verb}", {"reason": "a benchmark"})


def _prepare(site: Site) -> None:
    """As `orders migrate` and `orders seed` do, without the seconds that two more processes take to start."""
    seed = site.folder / "catalog.json"
    seed.write_text(catalog.seed())
    schema.migrate(site.database_url)
    starting.seed(Settings(database_url=SecretStr(site.database_url)), seed)


async def _ask(server: OrdersServer, path: str, body: Mapping[str, Any]) -> None:
    headers = {"Authorization": f"Bearer {ADMIN_KEY}"}
    async with aiohttp.ClientSession(headers=headers, raise_for_status=True) as http:
        await http.post(f"{server.url}{path}", json=body)
