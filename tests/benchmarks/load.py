"""The client of the benchmark: a process of its own, on raw sockets so that it leaves the cores to the server.

python -m tests.benchmarks.load PORT KEY FIRST COUNT CONNECTIONS [PER_SECOND] posts so many orders over so many
keep-alive connections, each with its own Idempotency-Key, as fast as they are answered or so many in a second at most,
and prints what it saw as one JSON line.
"""

import asyncio
import json
import math
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from statistics import quantiles
from typing import cast
from uuid import uuid4

import uvloop

from tests.benchmarks import catalog

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_HEAD_END = b"\r\n\r\n"


class Tally:
    """What all connections saw together."""

    def __init__(self) -> None:
        self.statuses: Counter[int] = Counter()
        self.seconds: list[float] = []

    def report(self, started: float, ended: float) -> str:
        cuts = quantiles(self.seconds, n=100)
        return json.dumps(
            {
                "accepted": self.statuses[201],
                "refused": self.statuses.total() - self.statuses[201],
                "started_at": started,
                "seconds": ended - started,
                "p50_ms": cuts[49] * 1000,
                "p99_ms": cuts[98] * 1000,
            }
        )


class Connection(asyncio.Protocol):
    """Sends the next request when the last is answered, until there are none; `done` then resolves."""

    def __init__(self, requests: Iterator[tuple[float, bytes]], tally: Tally) -> None:
        self._requests = requests
        self._tally = tally
        self._answer = b""
        self._sent_at = 0.0
        self._transport: asyncio.WriteTransport
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)  # uvloop's is one without being its subclass
        self._next()

    def data_received(self, data: bytes) -> None:
        self._answer += data
        head, end, body = self._answer.partition(_HEAD_END)
        length = _LENGTH.search(head) if end else None
        if length and len(body) >= int(length[1]):
            self._tally.seconds.append(time.perf_counter() - self._sent_at)
            self._tally.statuses[int(head[9:12])] += 1
            self._answer = b""
            self._next()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(error or ConnectionResetError("the server closed a connection under load"))

    def _next(self) -> None:
        due_at, request = next(self._requests, (0.0, None))
        if request is None:
            self.done.set_result(None)
            self._transport.close()
        elif (pause := due_at - time.perf_counter()) > 0:
            asyncio.get_running_loop().call_later(pause, self._send, request)
        else:
            self._send(request)

    def _send(self, request: bytes) -> None:
        self._sent_at = time.perf_counter()
        self._transport.write(request)


def request(number: int, key: str) -> bytes:
    body = catalog.order(number)
    head = (
        "POST /v1/orders HTTP/1.1",
        "Host: 127.0.0.1",
        f"Authorization: Bearer {key}",
        f"Idempotency-Key: {uuid4().hex}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
    )
    return "\r\n".join(head).encode() + _HEAD_END + body


async def load(port: int, requests: list[bytes], connections: int, per_second: float) -> str:
    loop, tally = asyncio.get_running_loop(), Tally()
    started_at, start = time.time(), time.perf_counter()
    waiting = ((start + place / per_second, each) for place, each in enumerate(requests))
    opened = [
        await loop.create_connection(lambda: Connection(waiting, tally), "127.0.0.1", port) for _ in range(connections)
    ]
    await asyncio.gather(*(connection.done for _, connection in opened))
    return tally.report(started_at, started_at + time.perf_counter() - start)


if __name__ == "__main__":
    (port, first, count, connections), key = [int(sys.argv[n]) for n in (1, 3, 4, 5)], sys.argv[2]
    most = float(sys.argv[6]) if len(sys.argv) > 6 else math.inf
    prepared = [request(number, key) for number in range(first, first + count)]
    print(uvloop.run(load(port, prepared, connections, most)))  # noqa: T201 - its answer to the benchmark
