"""A warehouse that receives webhooks: judges each signature by itself, remembers ids, and misbehaves on demand."""

import asyncio
import base64
import hashlib
import hmac
import json
import socket
import struct
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.harness.ledger import Ledger, digest

TOLERANCE_SECONDS = 300
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER with no time to linger


class Fate(Enum):
    """What becomes of the answer's bytes."""

    SENT = "sent"
    HANG = "hang"  # none ever come; the connection stays open
    RESET = "reset"  # none come; the connection is reset
    CUT = "cut"  # the head and half of the body come, then a reset


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the receiver does with one delivery. A 2xx means that it has accepted it, whatever the sender hears."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b"ok"
    delay_seconds: float = 0.0
    kept_until: asyncio.Event | None = None
    fate: Fate = Fate.SENT

    @property
    def accepts(self) -> bool:
        return self.status // 100 == 2


ACCEPT = Answer()
ERROR = Answer(status=500)
HANG = Answer(status=500, fate=Fate.HANG)
RESET = Answer(status=500, fate=Fate.RESET)
CUT = Answer(status=500, fate=Fate.CUT)
LOSE_REPLY = Answer(fate=Fate.RESET)
REDIRECT = Answer(status=301, headers={"Location": "/moved"})


@dataclass(frozen=True)
class Delivery:
    """One request, as it arrived. `number` counts the deliveries of its id from 1."""

    path: str
    webhook_id: str
    number: int
    valid: bool
    body: bytes
    at: float
    traceparent: str = ""

    @property
    def event(self) -> Any:
        return json.loads(self.body)


Behaviour = Callable[[Delivery], Answer]


def always(answer: Answer) -> Behaviour:
    return lambda _: answer


def first(times: int, answer: Answer, *, then: Answer = ACCEPT) -> Behaviour:
    """Give `answer` to the first deliveries of each id, and `then` to the later ones."""
    return lambda delivery: answer if delivery.number <= times else then


class Receiver:
    """Set `behaviour` at any time; read `deliveries` and `accepted` at any time."""

    def __init__(self, secret: str, ledger: Ledger | None = None) -> None:
        self.secret = secret
        self.behaviour: Behaviour = always(ACCEPT)
        self.deliveries: list[Delivery] = []
        self.accepted: dict[str, list[Delivery]] = {}  # by webhook-id; more than one was sent again after a 2xx
        self.url = ""
        self._ledger = ledger
        self._seen: dict[str, int] = {}
        self._closing = asyncio.Event()
        self._news = asyncio.Condition()

    async def until(self, condition: Callable[["Receiver"], bool], *, within_seconds: float = 60.0) -> None:
        """Return when `condition` holds; it is looked at after each delivery."""
        async with asyncio.timeout(within_seconds), self._news:
            await self._news.wait_for(lambda: condition(self))

    async def until_accepted(self, count: int, *, within_seconds: float = 60.0) -> None:
        """Return when so many different ids have been accepted."""
        await self.until(lambda receiver: len(receiver.accepted) >= count, within_seconds=within_seconds)

    def close(self) -> None:
        """Let go of the requests that hang."""
        self._closing.set()

    async def receive(self, request: web.Request) -> web.StreamResponse:
        delivery = self._delivery(request, await request.read())
        answer = self.behaviour(delivery) if delivery.valid else Answer(status=401)
        await self._note(delivery, answer)
        await asyncio.sleep(answer.delay_seconds)
        if answer.kept_until:
            await answer.kept_until.wait()
        return await self._reply(request, answer)

    def _delivery(self, request: web.Request, body: bytes) -> Delivery:
        webhook_id = request.headers.get("webhook-id", "")
        self._seen[webhook_id] = self._seen.get(webhook_id, 0) + 1
        valid = is_signed(request.headers, body, self.secret)
        number, traced = self._seen[webhook_id], request.headers.get("traceparent", "")
        return Delivery(request.path, webhook_id, number, valid, body, time.time(), traced)

    async def _note(self, delivery: Delivery, answer: Answer) -> None:
        self.deliveries.append(delivery)
        if answer.accepts:
            self.accepted.setdefault(delivery.webhook_id, []).append(delivery)
        if self._ledger:
            self._ledger.write(event="delivery", **_as_entry(delivery, answer))
        async with self._news:
            self._news.notify_all()

    async def _reply(self, request: web.Request, answer: Answer) -> web.StreamResponse:
        if answer.fate is Fate.HANG:
            await self._closing.wait()
        if answer.fate is Fate.CUT:
            await _send_half(request, answer)
        if answer.fate in {Fate.RESET, Fate.CUT}:
            _reset(request)
        return web.Response(status=answer.status, headers=answer.headers, body=answer.body)


@asynccontextmanager
async def webhook_receiver(secret: str, ledger: Path | None = None) -> AsyncIterator[Receiver]:
    """Listen on a free port of the loopback, in this event loop; `url` is where the webhooks go."""
    with Ledger(ledger) if ledger else nullcontext() as book:
        async with _served(Receiver(secret, book)) as receiver:
            yield receiver


@asynccontextmanager
async def _served(receiver: Receiver) -> AsyncIterator[Receiver]:
    application = web.Application(client_max_size=2**20)
    application.router.add_route("*", "/{path:.*}", receiver.receive)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/fulfillment"
    try:
        yield receiver
    finally:
        receiver.close()
        await runner.cleanup()


def is_signed(headers: Mapping[str, str], body: bytes, secret: str) -> bool:
    """Judge a delivery by the text of Standard Webhooks 1.0.0 alone, not by the library that signed it."""
    webhook_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not webhook_id or not timestamp.isdecimal() or abs(time.time() - int(timestamp)) > TOLERANCE_SECONDS:
        return False
    key = base64.b64decode(secret.removeprefix("whsec_"))
    mac = hmac.new(key, f"{webhook_id}.{timestamp}.".encode() + body, hashlib.sha256)
    expected = b"v1," + base64.b64encode(mac.digest())
    given = headers.get("webhook-signature", "").encode(errors="replace").split()
    return any(hmac.compare_digest(expected, one) for one in given)


def _as_entry(delivery: Delivery, answer: Answer) -> dict[str, Any]:
    return {
        "at": delivery.at,
        "id": delivery.webhook_id,
        "number": delivery.number,
        "path": delivery.path,
        "valid": delivery.valid,
        "body_digest": digest(delivery.body),
        "type": delivery.event["type"] if delivery.valid else None,
        "order": delivery.event["data"]["order_id"] if delivery.valid else None,
        "status": answer.status,
        "fate": answer.fate.value,
        "accepted": answer.accepts,
    }


async def _send_half(request: web.Request, answer: Answer) -> None:
    response = web.StreamResponse(status=answer.status, headers={"Content-Length": str(2 * len(answer.body))})
    await response.prepare(request)
    await response.write(answer.body)


def _reset(request: web.Request) -> None:
    if request.transport:
        connection: socket.socket = request.transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        request.transport.abort()
