"""The benchmark's hold on its warehouse process: where it listens, and how many orders it has taken."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp


class Warehouse:
    def __init__(self, port: int, http: aiohttp.ClientSession) -> None:
        self.url = f"http://127.0.0.1:{port}/fulfillment"
        self._http = http

    async def taken(self) -> int:
        """How many different orders have arrived."""
        async with self._http.get(self.url) as answer:
            return int(await answer.text())


@asynccontextmanager
async def warehouse() -> AsyncIterator[Warehouse]:
    command = [sys.executable, "-m", "tests.benchmarks.sink"]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout
    try:
        async with aiohttp.ClientSession() as http:
            yield Warehouse(int(await process.stdout.readline()), http)
    finally:
        process.kill()
        await process.wait()
