"""A TCP proxy before PostgreSQL that knows a COMMIT when it sees one, and cuts or keeps what the test says."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from enum import Enum, auto

from sqlalchemy import make_url

_PORT = 5432
_HEAD = 5  # kind and length
_CHUNK = 65536


class Cut(Enum):
    """What happens to a COMMIT."""

    BEFORE = auto()  # it never reaches the server
    AFTER = auto()  # the server has done it; its answer is lost, and the connection with it
    WITHHELD = auto()  # the server has done it; its answer does not come until it is let go


class CommitProxy:
    """Lets everything through until it is told otherwise."""

    def __init__(self, upstream_url: str) -> None:
        self._upstream = make_url(upstream_url)
        self._server: asyncio.Server
        self._links: set[_Link] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self._is_away = False
        self._next_cut: Cut | None = None
        self._then_away = False
        self.has_cut = asyncio.Event()
        self.let_go = asyncio.Event()

    @property
    def url(self) -> str:
        """The way to the database that leads through here, in the clear."""
        port = self._server.sockets[0].getsockname()[1]
        clear = {"sslmode": "disable", "gssencmode": "disable"}
        return self._upstream.set(host="127.0.0.1", port=port, query=clear).render_as_string(hide_password=False)

    def cut_next_commit(self, cut: Cut, *, then_away: bool = False) -> None:
        """Do this to the next COMMIT, once. Afterwards the database is there, or away until `come_back`."""
        self._next_cut, self._then_away = cut, then_away

    def taken_cut(self) -> Cut | None:
        """What to do to the COMMIT that is passing."""
        cut, self._next_cut = self._next_cut, None
        if cut is not None:
            self._is_away = self._then_away
        return cut

    def go_away(self) -> None:
        """Break all connections, and every new one."""
        self._is_away = True
        for link in self._links:
            link.end()

    def freeze(self) -> None:
        """From now on nothing passes over the connections that there are, and nobody is told; new ones are fine."""
        for link in self._links:
            link.freeze()

    def come_back(self) -> None:
        self._is_away = False

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)

    async def stop(self) -> None:
        self._server.close()
        self.go_away()
        await asyncio.gather(*self._serving)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving = asyncio.create_task(self._serve(reader, writer), name="PostgreSQL's proxy")
        self._serving.add(serving)
        serving.add_done_callback(self._serving.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_away:
            await _abort(writer)
            return
        answers, server = await self._reach()
        link = _Link(self, reader, server, answers, writer)
        self._links.add(link)
        await link.ended()
        self._links.discard(link)

    async def _reach(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        port = self._upstream.port or _PORT
        host = str(self._upstream.host or self._upstream.query.get("host", "localhost"))
        if host.startswith("/"):
            return await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        return await asyncio.open_connection(host, port)


class _Link:
    """One connection through the proxy, both ways."""

    def __init__(
        self,
        proxy: CommitProxy,
        client: asyncio.StreamReader,
        server: asyncio.StreamWriter,
        answers: asyncio.StreamReader,
        client_writer: asyncio.StreamWriter,
    ) -> None:
        self._proxy = proxy
        self._cut: Cut | None = None
        self._prepared: bytes | None = None
        self._is_open = asyncio.Event()
        self._is_open.set()
        self._writers = (server, client_writer)
        self._ways = [
            asyncio.create_task(self._forward(client, server), name="to PostgreSQL"),
            asyncio.create_task(self._answer(answers, client_writer), name="from PostgreSQL"),
        ]

    def freeze(self) -> None:
        self._is_open.clear()

    def end(self) -> None:
        for way in self._ways:
            way.cancel()

    async def ended(self) -> None:
        """Return when either side has closed, or a cut has ended it; then both are closed."""
        await asyncio.wait(self._ways, return_when=asyncio.FIRST_COMPLETED)
        self.end()
        await asyncio.gather(*self._ways, return_exceptions=True)
        for writer in self._writers:
            await _abort(writer)

    async def _forward(self, client: asyncio.StreamReader, server: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            server.write(await _message(client, kind=b""))  # the first message alone has no kind
            while True:
                kind = await client.readexactly(1)
                message = await _message(client, kind)
                if self._commits(kind, message):
                    self._cut = self._proxy.taken_cut() or self._cut  # it may be prepared first, and bound then
                    if self._cut is Cut.BEFORE:
                        self._proxy.has_cut.set()
                        return
                await self._is_open.wait()
                server.write(message)

    def _commits(self, kind: bytes, message: bytes) -> bool:
        """In a simple query, in one to be prepared, or by the name of one: the driver prepares what it sends often."""
        if kind == b"B":
            return self._prepared is not None and message[_HEAD:].split(b"\0", 2)[1] == self._prepared
        if kind not in b"QP" or b"COMMIT\0" not in message.upper():
            return False
        if kind == b"P":
            self._prepared = message[_HEAD:].split(b"\0", 1)[0] or None
        return True

    async def _answer(self, answers: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while chunk := await answers.read(_CHUNK):
                if self._cut is not None and b"COMMIT\0" in chunk:
                    self._proxy.has_cut.set()
                    if self._cut is Cut.AFTER:
                        return
                    await self._proxy.let_go.wait()
                await self._is_open.wait()
                client.write(chunk)


async def _abort(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()
    with suppress(ConnectionError):
        await writer.wait_closed()


async def _message(reader: asyncio.StreamReader, kind: bytes) -> bytes:
    size = await reader.readexactly(4)
    (length,) = struct.unpack("!i", size)
    return kind + size + await reader.readexactly(length - 4)


@asynccontextmanager
async def commit_proxy(upstream_url: str) -> AsyncIterator[CommitProxy]:
    """On a free port of the loopback interface, as long as the test needs it."""
    proxy = CommitProxy(upstream_url)
    await proxy.start()
    try:
        yield proxy
    finally:
        await proxy.stop()
