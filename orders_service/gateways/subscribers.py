"""Those who subscribe to our events: each called by a signed webhook at a URL that is judged again every time."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

import aiohttp
from pydantic import BaseModel, ConfigDict

from orders_service.gateways.calling import Answer, Caller, NoAnswer, Verdict
from orders_service.gateways.egress import Guard, origin
from orders_service.gateways.errors import SubscriberBusy, SubscriberGone, SubscriberUnavailable
from orders_service.gateways.signatures import Signatures

GONE = 410

# What breaks a line, a terminal or a column, and what reorders the text around it.
_UNSHOWABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True)
class Subscriber:
    """Where to, and signed with what: one secret, or the new and the former one."""

    url: str = field(repr=False)  # a path may hold a token
    secrets: tuple[str, ...] = field(repr=False)


class Reply(BaseModel):
    """What a subscriber answered, fit to be stored and shown: the beginning of the body, without control characters."""

    model_config = ConfigDict(frozen=True)

    status: int
    excerpt: str


class Subscribers(Protocol):
    """Returns when the subscriber has accepted; the same `key` again is the same event, sent again."""

    async def send(self, body: str, *, to: Subscriber, key: str) -> Reply:
        """Send these very bytes, in UTF-8."""


class HttpSubscribers:
    """Subscribers at the other end of a webhook. Only a 2xx is acceptance; a redirect is none, and is not followed.

    Raises `SubscriberGone` (final), `SubscriberUnavailable` (try again), `SubscriberBusy` (later), or
    `DestinationRefused` (final).
    """

    def __init__(self, session: aiohttp.ClientSession, guard: Guard, *, timeout_seconds: float = 30.0) -> None:
        self._caller = Caller(session)
        self._guard = guard
        self._seconds = timeout_seconds

    async def send(self, body: str, *, to: Subscriber, key: str) -> Reply:
        destination = self._guard.admit(to.url)  # what may be called can have changed since it was registered
        headers = Signatures(to.secrets).headers(key, body, now=datetime.now(UTC))
        try:
            answer = await self._caller.ask("POST", destination, body.encode(), headers, seconds=self._seconds)
        except NoAnswer as error:
            raise SubscriberUnavailable(str(error)) from None
        return _judged(answer, f"{origin(destination)} answered {answer.status}")


def _judged(answer: Answer, said: str) -> Reply:
    reply = Reply(status=answer.status, excerpt=_shown(answer.excerpt))
    if answer.pause is not None:
        raise SubscriberBusy(answer.pause, evidence=reply.model_dump_json())
    if answer.status == GONE:
        raise SubscriberGone(said, evidence=reply.model_dump_json())
    if answer.verdict is not Verdict.ACCEPTED:
        raise SubscriberUnavailable(said, evidence=reply.model_dump_json())
    return reply


def _shown(excerpt: bytes) -> str:
    return _UNSHOWABLE.sub(" ", excerpt.decode(errors="replace")).strip()
