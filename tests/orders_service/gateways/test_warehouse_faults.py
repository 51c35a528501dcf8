"""What each way of answering a warehouse request, well or badly, means (F17, F19)."""

import asyncio
import socket
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from orders_service.gateways import WarehouseRefused, WarehouseUnavailable
from pipelines.errors import Throttled
from tests.builders.fulfillment import a_request
from tests.harness.raw_server import (
    Talk,
    always_saying,
    http_answer,
    nothing,
    raw_server,
    read_http_request,
    reset,
    silence,
)
from tests.harness.warehouses import warehouse_at, warehouse_that


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_every_2xx_is_acceptance(status: int) -> None:
    async with warehouse_that(always_saying(http_answer(status))) as warehouse:
        await warehouse.request_fulfillment(a_request(), key="k")


@pytest.mark.parametrize("status", [300, 301, 302, 304, 307, 308, 408, 425, 429, 500, 502, 503, 504, 599])
async def test_what_may_pass_is_unavailable(status: int) -> None:
    async with warehouse_that(always_saying(http_answer(status, "Location: /elsewhere"))) as warehouse:
        with pytest.raises(WarehouseUnavailable) as failure:
            await warehouse.request_fulfillment(a_request(), key="k")
    assert failure.value.status == status


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 413, 422])
async def test_what_will_not_pass_is_refused(status: int) -> None:
    async with warehouse_that(always_saying(http_answer(status))) as warehouse:
        with pytest.raises(WarehouseRefused) as failure:
            await warehouse.request_fulfillment(a_request(), key="k")
    assert failure.value.status == status


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(("header", "seconds"), [("30", 30), ("-5", 1), ("1000000000", 3600)])
async def test_a_pause_that_is_asked_for_is_a_throttle(status: int, header: str, seconds: int) -> None:
    async with warehouse_that(always_saying(http_answer(status, f"Retry-After: {header}"))) as warehouse:
        with pytest.raises(Throttled) as throttle:
            await warehouse.request_fulfillment(a_request(), key="k")
    assert throttle.value.retry_after == timedelta(seconds=seconds)


async def test_a_pause_may_be_asked_for_by_date() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(days=1), usegmt=True)
    async with warehouse_that(always_saying(http_answer(503, f"Retry-After: {later}"))) as warehouse:
        with pytest.raises(Throttled) as throttle:
            await warehouse.request_fulfillment(a_request(), key="k")
    assert throttle.value.retry_after == timedelta(hours=1)


@pytest.mark.parametrize(("status", "header"), [(503, "soon"), (429, ""), (500, "30")])
async def test_a_pause_nobody_understands_is_a_plain_failure(status: int, header: str) -> None:
    async with warehouse_that(always_saying(http_answer(status, f"Retry-After: {header}"))) as warehouse:
        with pytest.raises(WarehouseUnavailable):
            await warehouse.request_fulfillment(a_request(), key="k")


async def dribble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One byte at a time, and never done with the head."""
    await read_http_request(reader)
    writer.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while True:
        writer.write(b"a")
        await writer.drain()
        await asyncio.sleep(0.02)


async def reset_at_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_http_request(reader)
    reset(writer)


@pytest.mark.parametrize(
    "talk",
    [
        silence,
        dribble,
        nothing,
        reset_at_once,
        always_saying(b"\x00\xff\x16garbage\r\n\r\n"),
        always_saying(b"HTTP/1.1 2OO OK\r\n\r\n"),
        always_saying(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000),
        always_saying(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc"),
    ],
    ids=["hangs", "dribbles", "closes", "resets", "says garbage", "has no status", "has no end", "is ambiguous"],
)
async def test_no_head_of_an_answer_is_unavailable(talk: Talk) -> None:
    async with warehouse_that(talk, timeout_seconds=0.3) as warehouse:
        with pytest.raises(WarehouseUnavailable):
            await warehouse.request_fulfillment(a_request(), key="k")


async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_http_request(reader)
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        writer.write(b"a" * 65536)
        await writer.drain()


@pytest.mark.parametrize(
    "talk",
    [
        always_saying(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", then=asyncio.StreamWriter.close),
        always_saying(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"),
        endless,
    ],
    ids=["is cut", "hangs", "is endless"],
)
async def test_trouble_in_the_body_does_not_undo_an_acceptance(talk: Talk) -> None:
    async with warehouse_that(talk, timeout_seconds=1.5) as warehouse:  # which is for the head as well
        await warehouse.request_fulfillment(a_request(), key="k")


async def test_trouble_in_the_body_does_not_turn_a_failure_into_an_acceptance() -> None:
    talk = always_saying(b"HTTP/1.1 500 No\r\nContent-Length: 10\r\n\r\nabc", then=reset)
    async with warehouse_that(talk) as warehouse:
        with pytest.raises(WarehouseUnavailable):
            await warehouse.request_fulfillment(a_request(), key="k")


async def test_an_endless_answer_is_not_read_to_the_end() -> None:
    sent = 0

    async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await read_http_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        while sent < 10**9:
            writer.write(b"a" * 65536)
            sent += 65536
            await writer.drain()

    async with warehouse_that(pour) as warehouse:
        await warehouse.request_fulfillment(a_request(), key="k")
    assert sent < 30 * 2**20  # some of it sits in the buffers of both sides


async def test_a_redirect_to_a_trap_is_not_followed() -> None:
    async with raw_server(nothing, host="127.0.0.2") as trap:
        moved = http_answer(301, f"Location: http://127.0.0.2:{trap.port}/latest/meta-data")
        async with warehouse_that(always_saying(moved)) as warehouse:
            with pytest.raises(WarehouseUnavailable):
                await warehouse.request_fulfillment(a_request(), key="k")
    assert trap.connects == 0


async def test_one_call_is_one_request_even_when_the_connection_breaks() -> None:
    async with raw_server(reset_at_once) as server, warehouse_at(f"http://127.0.0.1:{server.port}/") as warehouse:
        with pytest.raises(WarehouseUnavailable):
            await warehouse.request_fulfillment(a_request(), key="k")
    assert server.connects == 1


async def head_first(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """The body comes when the other side, which shares this loop, has had time to read the head."""
    while True:
        await read_http_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
        for _ in range(10):
            await asyncio.sleep(0)
        writer.write(b"ok")


async def test_a_connection_is_used_again_after_its_body_was_read() -> None:
    async with raw_server(head_first) as server, warehouse_at(f"http://127.0.0.1:{server.port}/") as warehouse:
        for key in ("a", "b", "c"):
            await warehouse.request_fulfillment(a_request(), key=key)
    assert server.connects == 1


async def test_nobody_listening_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    async with warehouse_at(f"http://127.0.0.1:{port}/") as warehouse:
        with pytest.raises(WarehouseUnavailable):
            await warehouse.request_fulfillment(a_request(), key="k")


class BrokenResolver(AbstractResolver):
    """DNS that fails, or does not answer while anybody waits."""

    def __init__(self, *, hangs: bool) -> None:
        self._hangs = hangs

    async def resolve(self, *_: object, **__: object) -> list[ResolveResult]:
        if self._hangs:
            await asyncio.Event().wait()
        raise socket.gaierror(socket.EAI_AGAIN, "no answer")

    async def close(self) -> None:
        """Nothing is open."""


@pytest.mark.parametrize("hangs", [False, True])
async def test_a_name_that_cannot_be_resolved_is_unavailable(*, hangs: bool) -> None:
    resolver = BrokenResolver(hangs=hangs)
    async with warehouse_at("http://warehouse.test/", timeout_seconds=0.2, resolver=resolver) as warehouse:
        with pytest.raises(WarehouseUnavailable):
            await warehouse.request_fulfillment(a_request(), key="k")


@pytest.mark.parametrize(
    "talk",
    [
        nothing,
        always_saying(http_answer(500, body=b"canary")),
        always_saying(http_answer(410, "X-Canary: canary")),
        always_saying(b"canary\r\n\r\n"),
    ],
    ids=["closed", "500", "410", "garbage"],
)
async def test_an_error_shows_scheme_host_and_status_only(talk: Talk) -> None:
    async with (
        raw_server(talk) as server,
        warehouse_at(f"http://127.0.0.1:{server.port}/canary?canary=canary") as warehouse,
    ):
        with pytest.raises((WarehouseUnavailable, WarehouseRefused)) as failure:
            await warehouse.request_fulfillment(a_request(line1="canary"), key="canary")
    assert "canary" not in str(failure.value)
    assert str(failure.value).startswith("http://127.0.0.1")
    assert failure.value.__cause__ is None
    assert failure.value.__suppress_context__ or failure.value.__context__ is None
