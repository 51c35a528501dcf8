"""The warehouse of the benchmark: a process of its own that takes every webhook and counts the orders.

python -m tests.benchmarks.sink [milliseconds] prints its port; POST is answered 204, at once or so many milliseconds
later, and GET tells how many different ids came.
"""

import asyncio
import re
import sys
from typing import cast

import uvloop

_HEAD_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_ID = re.compile(rb"\r\nwebhook-id: *([^\r]+)", re.IGNORECASE)
_TAKEN = b"HTTP/1.1 204 No Content\r\n\r\n"


class Warehouse(asyncio.Protocol):
    """One connection; `ids` is shared by all."""

    def __init__(self, ids: set[bytes], seconds: float) -> None:
        self._ids = ids
        self._seconds = seconds
        self._request = b""
        self._transport: asyncio.WriteTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)  # uvloop's is one without being its subclass

    def data_received(self, data: bytes) -> None:
        self._request += data
        head, end, body = self._request.partition(_HEAD_END)
        length = _LENGTH.search(head) if end else None
        if end and len(body) >= (int(length[1]) if length else 0):
            self._request = b""
            self._answer(head)

    def _answer(self, head: bytes) -> None:
        if head.startswith(b"GET"):
            count = str(len(self._ids)).encode()
            self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(count), count))
        elif self._seconds:
            asyncio.get_running_loop().call_later(self._seconds, self._take, head)
        else:
            self._take(head)

    def _take(self, head: bytes) -> None:
        if webhook_id := _ID.search(head):
            self._ids.add(webhook_id[1])
        self._transport.write(_TAKEN)


async def serve(seconds: float) -> None:
    ids: set[bytes] = set()
    server = await asyncio.get_running_loop().create_server(lambda: Warehouse(ids, seconds), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201 - its answer to the benchmark
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(float(sys.argv[1]) / 1000 if len(sys.argv) > 1 else 0))
