"""One outgoing HTTP call with a body: sent once, its answer judged and kept short."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto

import aiohttp
from multidict import CIMultiDict

from orders_service.gateways.egress import CONNECT_SECONDS, Destination, origin
from pipelines.errors import Throttled
from pipelines.telemetry import current_traceparent

MOST_BYTES_READ = 64 * 1024
MOST_BYTES_KEPT = 1024

_DRAIN_SECONDS = 2.0
_WORTH_ANOTHER_TRY = frozenset({408, 425, 429})
_MAY_NAME_A_PAUSE = frozenset({429, 503})


class Verdict(Enum):
    """What a status means to whoever called."""

    ACCEPTED = auto()
    REFUSED = auto()  # for good: the same request will never be accepted
    TRY_AGAIN = auto()


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other side said: its status, as much of the body as a person may want to see, and how long to wait."""

    status: int
    excerpt: bytes
    pause: timedelta | None = None

    @property
    def verdict(self) -> Verdict:
        if 200 <= self.status < 300:  # noqa: PLR2004 - the meaning of these two is HTTP's own
            return Verdict.ACCEPTED
        if 400 <= self.status < 500 and self.status not in _WORTH_ANOTHER_TRY:  # noqa: PLR2004 - as above
            return Verdict.REFUSED
        return Verdict.TRY_AGAIN


class NoAnswer(Exception):
    """No connection, or none that lasted until the answer. Says its kind only: the rest would quote the URL."""


class Caller:
    """Calls what a guard has admitted. Redirects are not followed, nothing of an answer is unpacked or trusted."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def call(
        self, method: str, destination: Destination, body: bytes, headers: Mapping[str, str], *, seconds: float
    ) -> Answer:
        """Like `ask`, but raises `Throttled` when the other side names a pause."""
        answer = await self.ask(method, destination, body, headers, seconds=seconds)
        if answer.pause is not None:
            raise Throttled(retry_after=answer.pause)
        return answer

    async def ask(
        self, method: str, destination: Destination, body: bytes, headers: Mapping[str, str], *, seconds: float
    ) -> Answer:
        """Raises `NoAnswer`, or `DestinationRefused`.

        A 2xx in the head of the answer is acceptance; trouble in its body is none.
        """
        sent = CIMultiDict(headers)
        sent.setdefault("content-type", "application/json")
        sent["user-agent"] = "orders-service"
        if traceparent := current_traceparent():
            sent["traceparent"] = traceparent
        limit = aiohttp.ClientTimeout(total=seconds, sock_connect=min(seconds, CONNECT_SECONDS))
        try:
            async with self._session.request(
                method, destination, data=body, headers=sent, allow_redirects=False, timeout=limit
            ) as answer:
                excerpt = await _read(answer)
        except (aiohttp.ClientError, OSError, UnicodeError) as error:  # the last from names that no resolver reads
            # Only its kind: these errors quote the URL, and `from` would drag them into every log.
            raise NoAnswer(f"{origin(destination)}: {type(error).__name__}") from None
        throttled = Throttled.from_header(answer.headers.get("Retry-After", ""))
        is_pause = answer.status in _MAY_NAME_A_PAUSE and throttled is not None
        return Answer(answer.status, excerpt, throttled.retry_after if is_pause and throttled else None)


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    """A short body to its end, so that the connection can serve again; a long, slow or broken one costs it."""
    room, excerpt = MOST_BYTES_READ, b""
    try:
        if answer.content.is_eof():  # all of it came with the head, as short ones do
            return answer.content.read_nowait(MOST_BYTES_KEPT)
        async with asyncio.timeout(_DRAIN_SECONDS):
            while chunk := await answer.content.read(room):  # nothing, when there is no room
                room -= len(chunk)
                excerpt += chunk[: MOST_BYTES_KEPT - len(excerpt)]
    except (aiohttp.ClientError, OSError, TimeoutError):
        answer.close()
    return excerpt
