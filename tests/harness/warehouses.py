"""Our side of the warehouse's webhook, pointed at a server of the test."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp.abc import AbstractResolver

from orders_service.gateways import LOOPBACK, Guard, HttpWarehouse, open_http_session
from tests.builders.fulfillment import SECRET
from tests.harness.raw_server import Talk, raw_server

GUARD = Guard(LOOPBACK, allow_http=True)


@asynccontextmanager
async def warehouse_at(
    url: str, *secrets: str, timeout_seconds: float = 5.0, resolver: AbstractResolver | None = None
) -> AsyncIterator[HttpWarehouse]:
    async with open_http_session(GUARD, resolver=resolver) as session:
        yield HttpWarehouse(session, GUARD.admit(url), secrets or [SECRET], timeout_seconds=timeout_seconds)


@asynccontextmanager
async def warehouse_that(talk: Talk, *, timeout_seconds: float = 5.0) -> AsyncIterator[HttpWarehouse]:
    async with (
        raw_server(talk) as server,
        warehouse_at(f"http://127.0.0.1:{server.port}/hook", timeout_seconds=timeout_seconds) as warehouse,
    ):
        yield warehouse
