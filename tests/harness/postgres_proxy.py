"""A proxy before PostgreSQL that passes everything on, and on demand keeps the answers to COMMIT."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from sqlalchemy import URL, make_url

_COMMITTED = b"C\x00\x00\x00\x0bCOMMIT\x00"  # CommandComplete, its length, its tag
_PORT = 5432


class PostgresProxy:
    """Servers that connect to `url` do so through it. `keep()` begins, `let_go()` ends."""

    def __init__(self, behind: URL) -> None:
        self._behind = behind
        self._passing = asyncio.Event()
        self._passing.set()
        self._calls: set[asyncio.Task[None]] = set()
        self.url = ""

    def keep(self) -> None:
        """From here on PostgreSQL commits, and nobody hears of it."""
        self._passing.clear()

    def let_go(self) -> None:
        self._passing.set()

    async def pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        call = asyncio.current_task()
        assert call
        self._calls.add(call)
        behind_reader, behind_writer = await self._connect()
        try:
            with suppress(ConnectionError, asyncio.CancelledError):
                async with asyncio.TaskGroup() as both:
                    both.create_task(self._pump(reader, behind_writer))
                    both.create_task(self._pump(behind_reader, writer))
        finally:
            self._calls.discard(call)
            behind_writer.close()
            writer.close()

    async def close(self) -> None:
        calls = list(self._calls)
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        host: Any = self._behind.query.get("host") or self._behind.host
        port = self._behind.port or _PORT
        if host.startswith("/"):
            return await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        return await asyncio.open_connection(host, port)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(2**16):
            if _COMMITTED in data:
                await self._passing.wait()
            writer.write(data)
            await writer.drain()
        writer.close()


@asynccontextmanager
async def postgres_proxy(database_url: str) -> AsyncIterator[PostgresProxy]:
    """Listen on a free port of the loopback, without TLS, until the block ends."""
    behind = make_url(database_url)
    proxy = PostgresProxy(behind)
    listening = await asyncio.start_server(proxy.pass_on, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    before = behind.set(host="127.0.0.1", port=port, query={"sslmode": "disable"})
    proxy.url = before.render_as_string(hide_password=False)
    try:
        yield proxy
    finally:
        listening.close()
        await proxy.close()
        await listening.wait_closed()
