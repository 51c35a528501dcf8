"""One request and its answer, as they pass the edge: what they may cost, and what the edge adds to them."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from time import perf_counter

from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from orders_service import request_ids
from orders_service.idempotency import REPLAYED
from orders_service.problems import MEDIA_TYPE, Problem, answer, problem_for
from orders_service.route_names import path_of

UNWATCHED = frozenset({"/livez", "/readyz", "/metrics"})  # asked every few seconds by machines, under any Host
_SECURITY_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
)
_BAD_REQUEST = 400
_OWN_ERROR_PAGES = (MEDIA_TYPE.encode(), b"text/html")  # a page for people may be HTML: the console's


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a request may cost. `larger_bodies` maps path templates (`/v1/imports`) to their own limit in bytes."""

    body_bytes: int = 64 * 1024
    larger_bodies: Mapping[str, int] = field(default_factory=dict)
    body_seconds: float = 10.0
    body_bytes_per_second: int = 16 * 1024  # what has arrived buys time, so that a large upload may take longer
    header_bytes: int = 32 * 1024
    hosts: frozenset[str] = frozenset()  # empty: any

    def body_limit(self, path: str) -> int:
        """Asked only for bodies beyond the common limit."""
        larger = (limit for template, limit in self.larger_bodies.items() if compile_path(template)[0].match(path))
        return next(larger, self.body_bytes)


class Exchange:
    """Counts what comes in, and adorns what goes out. Its `receive` and `send` are what the application gets."""

    __slots__ = (
        "_allowed_bytes",
        "_body_is_in",
        "_content_length",
        "_deadline",
        "_header_bytes",
        "_hosts",
        "_is_replaced",
        "_limits",
        "_receive",
        "_received_bytes",
        "_send",
        "answered_at",
        "began_at",
        "is_replay",
        "path",
        "request_id",
        "scope",
        "status",
    )

    def __init__(self, scope: Scope, receive: Receive, send: Send, limits: Limits) -> None:
        self.scope = scope
        self.path = path_of(scope)  # without the prefix of a proxy
        self.status: int | None = None
        self.began_at = self.answered_at = perf_counter()
        self._receive, self._send, self._limits = receive, send, limits
        self._allowed_bytes = limits.body_bytes
        self._received_bytes = 0
        self._body_is_in = self._is_replaced = self.is_replay = False
        self._deadline: float | None = None
        self._read_headers()

    def _read_headers(self) -> None:
        offered: bytes | None = None
        self._hosts: list[bytes] = []
        self._content_length = b"0"
        size = len(self.scope["path"]) + len(self.scope["query_string"])
        for name, value in self.scope["headers"]:
            size += len(name) + len(value)
            if name == b"host":
                self._hosts.append(value)
            elif name == b"content-length":
                self._content_length = value
            elif name == request_ids.HEADER:
                offered = value
        self._header_bytes = size
        self.request_id = request_ids.taken_or_made(offered)
        request_ids.remember(self.scope, self.request_id)

    def check(self) -> None:
        """What can be refused before anything of the body is read."""
        if self._header_bytes > self._limits.header_bytes:
            raise Problem("headers-too-large")
        if not self._is_for_us():
            raise Problem("malformed-request", "The header Host does not name this service.")
        if not (self._content_length.isdigit() and len(self._content_length) < 20):  # noqa: PLR2004 - digits of 2**63
            raise Problem("malformed-request", "Content-Length is no number.")
        self._check_size(int(self._content_length))

    def _is_for_us(self) -> bool:
        if len(self._hosts) != 1:
            return self.scope["http_version"] == "1.0" and not self._hosts
        names = self._limits.hosts
        if not names or self.path in UNWATCHED:
            return True
        return self._hosts[0].decode("latin-1").lower().partition(":")[0] in names

    def _check_size(self, size: int) -> None:
        if size > self._allowed_bytes:
            self._allowed_bytes = self._limits.body_limit(self.path)
            if size > self._allowed_bytes:
                raise Problem("payload-too-large", f"The body may have {self._allowed_bytes} bytes.")

    async def receive(self) -> Message:
        """The next part of the body, within limit and time; after the last one, whatever the server says."""
        if self._body_is_in:
            return await self._receive()
        message = await self._receive_in_time()
        self._received_bytes += len(message.get("body", b""))
        self._body_is_in = not message.get("more_body", False)
        self._check_size(self._received_bytes)
        return message

    async def _receive_in_time(self) -> Message:
        limits, now = self._limits, asyncio.get_running_loop().time()
        if self._deadline is None:
            self._deadline = now + limits.body_seconds
        try:
            async with asyncio.timeout_at(self._deadline + self._received_bytes / limits.body_bytes_per_second):
                return await self._receive()
        except TimeoutError:
            raise Problem("request-timeout") from None

    async def send(self, message: Message) -> None:
        """Adds our headers. An error in a form of somebody else's becomes a problem."""
        if self._is_replaced:
            return
        if message["type"] == "http.response.start" and message["status"] >= _BAD_REQUEST and not _is_ours(message):
            self._is_replaced = True
            await self.reply(answer(problem_for(message["status"]), self.scope))
        else:
            await self._pass_on(message)

    async def reply(self, response: ASGIApp) -> None:
        """For what never reached a route, or fell out of one. Nothing, when an answer has begun already."""
        if self.status is None:
            await response(self.scope, self._receive, self._pass_on)

    async def _pass_on(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.answered_at = message["status"], perf_counter()
            headers = message.get("headers", ())
            self.is_replay = any(name == REPLAYED for name, _ in headers)
            message["headers"] = _with_ours(headers, self.request_id)
        await self._send(message)


def _with_ours(headers: Iterable[tuple[bytes, bytes]], request_id: str) -> list[tuple[bytes, bytes]]:
    """A page may say for itself what browsers tell others of it."""
    given = list(headers)
    said = {name for name, _ in given}
    ours = (header for header in _SECURITY_HEADERS if header[0] not in said)
    return [*given, (request_ids.HEADER, request_id.encode()), *ours]


def _is_ours(start: Message) -> bool:
    types = (value for name, value in start.get("headers", ()) if name.lower() == b"content-type")
    return next(types, b"").startswith(_OWN_ERROR_PAGES)
