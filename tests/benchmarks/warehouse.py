"""The benchmark's hold on its warehouse process: where it listens, and how many orders it has taken."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from tests.benchmarks.child import child


class Warehouse:
    def __init__(self, port: int, http: aiohttp.ClientSession) -> None:
        self.url = f"http://127.0.0.1:{port}/fulfillment"
        self._http = http

    async def taken(self) -> int:
        """How many different orders have arrived."""
        async with self._http.get(self.url) as answer:
            return int(await answer.text())


@asynccontextmanager
async def warehouse(*, answers_after_ms: float = 0) -> AsyncIterator[Warehouse]:
    async with child("tests.benchmarks.sink", answers_after_ms) as process, aiohttp.ClientSession() as http:
        assert process.stdout
        yield Warehouse(int(await process.stdout.readline()), http)
