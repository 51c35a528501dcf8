"""A TCP server that says whatever a test wants, well-formed or not, and counts who called."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

_NO_TIME_TO_LINGER = struct.pack("ii", 1, 0)


class RawServer:
    """One server on a free port of the loopback."""

    def __init__(self, talk: Talk) -> None:
        self.port = 0
        self.connects = 0
        self._talk = talk
        self._calls: set[asyncio.Task[None]] = set()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connects += 1
        call = asyncio.current_task()
        assert call
        self._calls.add(call)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await self._talk(reader, writer)
        finally:
            self._calls.discard(call)
            writer.close()

    async def hang_up(self) -> None:
        calls = list(self._calls)
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)


@asynccontextmanager
async def raw_server(talk: Talk, *, host: str = "127.0.0.1") -> AsyncIterator[RawServer]:
    """Serve until the test is done; calls that still hang are ended then."""
    server = RawServer(talk)
    listening = await asyncio.start_server(server.answer, host, 0)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        await server.hang_up()
        await listening.wait_closed()


async def nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """What a trap says: it only counts."""


async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Listen, and never answer."""
    await asyncio.Event().wait()


def reset(writer: asyncio.StreamWriter) -> None:
    """End the connection with RST."""
    connection: socket.socket = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_TIME_TO_LINGER)
    writer.transport.abort()


async def read_http_request(reader: asyncio.StreamReader) -> bytes:
    """The head and the body of one request, as they came."""
    head = await reader.readuntil(b"\r\n\r\n")
    lengths = [line.partition(b":")[2] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    return head + await reader.readexactly(int(lengths[0]) if lengths else 0)


def always_saying(answer: bytes, *, then: Callable[[asyncio.StreamWriter], None] | None = None) -> Talk:
    """Answer every HTTP request with these bytes, and keep the connection open."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await read_http_request(reader)
            writer.write(answer)
            await writer.drain()
            if then:
                then(writer)

    return talk


def http_answer(status: int, *headers: str, body: bytes = b"") -> bytes:
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body
