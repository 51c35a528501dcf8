"""A client under load: many connections, an Idempotency-Key for each order, and a ledger of what it heard."""

import asyncio
import itertools
import json
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import aiohttp

from tests.harness.ledger import Ledger, digest

_TRY_LATER = {408, 409, 425, 429}  # of the refusals, those that do not say what becomes of the order
_PAUSE_SECONDS = 0.05


@dataclass(frozen=True)
class OrderRequest:
    """One order as a client means it; repeating it means repeating its key and its bytes."""

    items: tuple[tuple[str, int], ...]
    key: str = field(default_factory=lambda: uuid4().hex)

    @property
    def body(self) -> bytes:
        return json.dumps(
            {
                "customer_email": "ada@example.com",
                "items": [{"sku": sku, "quantity": quantity} for sku, quantity in self.items],
                "shipping_address": {
                    "name": "Ada",
                    "line1": "1 Loop Lane",
                    "city": "Lyon",
                    "postal_code": "69001",
                    "country": "FR",
                },
            }
        ).encode()


@dataclass(frozen=True)
class Heard:
    """What came back for one try. `event` is ok, fail or info: done, refused, or unknown whether it was done."""

    event: str
    status: int | None = None
    body: bytes = b""
    error: str | None = None

    @property
    def order(self) -> Any:
        return json.loads(self.body)


class Client:
    """Talks to the servers in turn. Whatever is not a plain yes or no is unknown, never a no."""

    def __init__(self, servers: Sequence[str], key: str, ledger: Path, *, timeout_seconds: float = 10.0) -> None:
        self._servers = itertools.cycle(servers)
        self._under_way: dict[asyncio.Event, str] = {}  # set when this server has answered, or will no more
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)
        self._ledger = Ledger(ledger)
        self._http: aiohttp.ClientSession

    async def __aenter__(self) -> Self:
        self._http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=self._timeout)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.close()
        self._ledger.__exit__(kind, error, trace)

    async def turn_to(self, *servers: str) -> None:
        """As a load balancer does, whose list has changed: those that were taken from it have answered."""
        self._servers = itertools.cycle(servers)
        for answered, server in list(self._under_way.items()):
            if server not in servers:
                await answered.wait()

    async def place_all(
        self, orders: Iterable[OrderRequest], *, connections: int, until_answered: bool = False
    ) -> list[Heard]:
        """Place them over so many connections, in any order; what was heard last for each comes back."""
        waiting, heard = iter(list(orders)), list[Heard]()

        async def take_turns() -> None:
            for order in waiting:
                heard.append(await (self.insist(order) if until_answered else self.place(order)))

        async with asyncio.TaskGroup() as group:
            for _ in range(connections):
                group.create_task(take_turns(), name="connection")
        return heard

    async def insist(self, order: OrderRequest) -> Heard:
        """Repeat it under its key until the answer is a yes or a no. The caller sets the deadline."""
        while True:
            heard = await self.place(order)
            if heard.event != "info":
                return heard
            await asyncio.sleep(_PAUSE_SECONDS)

    async def place(self, order: OrderRequest) -> Heard:
        """One try, written down before it is sent and after it was answered or not."""
        items = [{"sku": sku, "quantity": quantity} for sku, quantity in order.items]
        self._ledger.write(event="invoke", key=order.key, items=items, at=time.time())
        heard = await self._post(order)
        self._ledger.write(key=order.key, at=time.time(), **_as_entry(heard))
        return heard

    async def _post(self, order: OrderRequest) -> Heard:
        headers = {**self._headers, "Idempotency-Key": order.key}
        with self._next_server() as server:
            url = f"{server}/v1/orders"
            try:
                async with self._http.post(url, data=order.body, headers=headers, allow_redirects=False) as answer:
                    return _judged(answer.status, await answer.read())
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                return Heard("info", error=repr(error))

    @contextmanager
    def _next_server(self) -> Iterator[str]:
        """A request to it is under way in this block."""
        server, answered = next(self._servers), asyncio.Event()
        self._under_way[answered] = server
        try:
            yield server
        finally:
            del self._under_way[answered]
            answered.set()


def _judged(status: int, body: bytes) -> Heard:
    if status // 100 == 2:
        return Heard("ok", status, body)
    return Heard("fail" if status // 100 == 4 and status not in _TRY_LATER else "info", status, body)


def _as_entry(heard: Heard) -> dict[str, Any]:
    entry: dict[str, Any] = {"event": heard.event, "status": heard.status, "error": heard.error}
    if heard.event == "ok":
        entry |= {"order": heard.order["id"], "body_digest": digest(heard.body)}
    if heard.event == "fail":
        entry |= {"problem": heard.body.decode(errors="replace")}
    return entry
