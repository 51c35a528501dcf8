"""Subscribers at the other end of a webhook: what they are sent, and what is made of whatever they answer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from ipaddress import ip_network
from typing import NoReturn

import pytest
from aiohttp.abc import AbstractResolver

from orders_service.gateways import (
    LOOPBACK,
    DestinationRefused,
    Guard,
    HttpSubscribers,
    Reply,
    Subscriber,
    SubscriberBusy,
    SubscriberGone,
    Subscribers,
    SubscriberUnavailable,
    open_http_session,
)
from pipelines import Throttled, WithEvidence
from tests.builders.fulfillment import OTHER_SECRET, SECRET
from tests.harness.raw_server import RawServer, Talk, always_saying, http_answer, nothing, raw_server
from tests.harness.receiver import is_signed
from tests.harness.resolver import ScriptedResolver

GUARD = Guard(LOOPBACK, allow_http=True)
BODY = '{"type":"webhook.test"}'


@asynccontextmanager
async def calling(
    *, guard: Guard = GUARD, resolver: AbstractResolver | None = None, seconds: float = 5
) -> AsyncIterator[Subscribers]:
    async with open_http_session(guard, resolver=resolver) as session:
        yield HttpSubscribers(session, guard, timeout_seconds=seconds)


async def said(talk: Talk, *, seconds: float = 5) -> Reply:
    async with raw_server(talk) as server, calling(seconds=seconds) as subscribers:
        return await subscribers.send(BODY, to=Subscriber(f"http://127.0.0.1:{server.port}/hook", (SECRET,)), key="k")


async def test_the_beginning_of_an_answer_is_kept_without_what_breaks_a_line() -> None:
    reply = await said(always_saying(http_answer(200, body=b"a\x00b\r\n\x1b[2Jc\xff\xe2\x80\xaed" + b"x" * 5000)))
    assert (reply.status, len(reply.excerpt.encode()) < 1100) == (200, True)
    assert reply.excerpt.startswith("a b   [2Jc\ufffd dxxx")


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (100, SubscriberUnavailable),
        (301, SubscriberUnavailable),
        (304, SubscriberUnavailable),
        (400, SubscriberUnavailable),
        (404, SubscriberUnavailable),
        (410, SubscriberGone),
        (429, SubscriberUnavailable),
        (500, SubscriberUnavailable),
        (503, SubscriberUnavailable),
    ],
)
async def test_all_but_a_2xx_is_a_failure(status: int, error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        await said(always_saying(http_answer(status, body=b"" if status in {100, 304} else b"why not")))
    if status not in {100, 304}:
        assert isinstance(caught.value, WithEvidence)
        assert Reply.model_validate_json(caught.value.evidence or "") == Reply(status=status, excerpt="why not")
        assert "why not" not in str(caught.value)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(("asked", "pause"), [("7", 7), ("0", 1), ("-5", 1), ("999999999999", 3600)])
async def test_a_pause_that_is_asked_for_is_heeded_within_reason(status: int, asked: str, pause: int) -> None:
    with pytest.raises(SubscriberBusy) as caught:
        await said(always_saying(http_answer(status, f"Retry-After: {asked}", body=b"later")))
    assert isinstance(caught.value, Throttled)
    assert caught.value.retry_after == timedelta(seconds=pause)
    assert Reply.model_validate_json(caught.value.evidence or "") == Reply(status=status, excerpt="later")


@pytest.mark.parametrize("answer", [b"", b"garbage\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000])
async def test_what_is_no_answer_is_a_failure_that_shows_nothing_of_it(answer: bytes) -> None:
    with pytest.raises(SubscriberUnavailable) as caught:
        await said(always_saying(answer))
    assert "garbage" not in str(caught.value)
    assert caught.value.evidence is None


async def test_who_never_answers_is_given_up() -> None:
    async def hang(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    with pytest.raises(SubscriberUnavailable):
        await said(hang, seconds=0.2)


async def test_what_is_sent_is_signed_with_every_secret_that_is_live() -> None:
    got: list[bytes] = []

    async def keep(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got.append(await reader.readuntil(b"\r\n\r\n"))
        got.append(await reader.readexactly(len(BODY)))
        writer.write(http_answer(204))

    async with raw_server(keep) as server, calling() as subscribers:
        to = Subscriber(f"http://127.0.0.1:{server.port}/hook", (SECRET, OTHER_SECRET))
        await subscribers.send(BODY, to=to, key="k-1")
    lines = [line.partition(": ") for line in got[0].decode().split("\r\n")[1:] if line]
    headers = {name.lower(): value for name, _, value in lines}
    assert is_signed(headers, got[1], SECRET)
    assert is_signed(headers, got[1], OTHER_SECRET)
    assert len(headers["webhook-signature"].split()) == 2


@pytest.fixture
async def trap() -> AsyncIterator[RawServer]:
    async with raw_server(nothing, host="127.0.0.2") as server:
        yield server


@pytest.mark.parametrize("answers", [[["127.0.0.2"]], [["127.0.0.1", "127.0.0.2"]]])
async def test_a_name_that_leads_inside_is_not_called(trap: RawServer, answers: list[list[str]]) -> None:
    only_first = Guard([ip_network("127.0.0.1/32")], allow_http=True)
    async with calling(guard=only_first, resolver=ScriptedResolver(*answers)) as subscribers:
        with pytest.raises(DestinationRefused):
            await subscribers.send(BODY, to=Subscriber(f"http://hooks.test:{trap.port}/", (SECRET,)), key="k")
    assert trap.connects == 0


@pytest.mark.parametrize(
    "url", ["http://10.0.0.1/", "gopher://example.com/", "https://user:pw@example.com/", "nonsense"]
)
async def test_a_url_is_judged_again_when_it_is_called(url: str) -> None:
    async with calling() as subscribers:
        with pytest.raises(DestinationRefused):
            await subscribers.send(BODY, to=Subscriber(url, (SECRET,)), key="k")


def test_neither_url_nor_secret_is_in_what_a_log_would_show() -> None:
    shown = repr(Subscriber("https://example.com/canary", ("whsec_canary",)))
    assert "canary" not in shown


class NameRefuser(ScriptedResolver):
    """Cannot even write the question down."""

    async def resolve(self, *_: object, **__: object) -> NoReturn:
        raise UnicodeError("label empty or too long: canary")


async def test_a_name_that_the_resolver_cannot_read_is_a_failure_like_any_other() -> None:
    async with calling(resolver=NameRefuser()) as subscribers:
        with pytest.raises(SubscriberUnavailable) as caught:
            await subscribers.send(BODY, to=Subscriber("http://odd.test/", (SECRET,)), key="k")
    assert str(caught.value) == "http://odd.test: UnicodeError"
