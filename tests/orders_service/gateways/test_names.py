"""Names are looked up beside everything else: one whose DNS hangs holds up neither us nor another name."""

import asyncio
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import aiohttp
import pytest

from orders_service.gateways import LOOPBACK, Guard, open_http_session
from orders_service.gateways.names import NameResolver
from tests.harness.raw_server import always_saying, http_answer, raw_server

GUARD = Guard(LOOPBACK, allow_http=True)
PATIENCE_SECONDS = 20.0


class SlowDns:
    """Names that end in `slow.test` are answered when the test is over, others at once with a loopback address."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.over = threading.Event()

    def look_up(self, host: str, port: int, *_: object, **__: object) -> list[Any]:
        self.asked[host] += 1
        if host.endswith("slow.test"):
            self.over.wait(PATIENCE_SECONDS)
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("127.0.0.1", port))]


@pytest.fixture
def dns(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowDns]:
    dns = SlowDns()
    monkeypatch.setattr(socket, "getaddrinfo", dns.look_up)
    yield dns
    dns.over.set()


async def given_up(*lookups: asyncio.Task[Any]) -> None:
    for each in lookups:
        each.cancel()
    await asyncio.wait(lookups)


async def test_names_that_hang_hold_up_neither_threads_of_ours_nor_other_sessions(dns: SlowDns) -> None:
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(2))
    async with (
        raw_server(always_saying(http_answer(204))) as server,
        open_http_session(GUARD) as theirs,
        open_http_session(GUARD) as ours,
        asyncio.timeout(PATIENCE_SECONDS / 2),
    ):
        hanging = [asyncio.create_task(theirs.get(f"http://{place}.slow.test/")) for place in range(40)]
        await asyncio.sleep(0)
        assert await asyncio.to_thread(lambda: "a look at the journal") == "a look at the journal"
        async with ours.get(f"http://warehouse.test:{server.port}/") as answer:
            assert answer.status == 204
        await given_up(*hanging)


async def test_a_lookup_has_an_end_and_a_name_takes_one_thread_however_often_it_is_asked_for(dns: SlowDns) -> None:
    resolver = NameResolver(threads=2, seconds=0.01)
    for _ in range(5):
        with pytest.raises(TimeoutError):
            await resolver.resolve("a.slow.test", 80)
    resolver._seconds = PATIENCE_SECONDS
    assert [found["host"] for found in await resolver.resolve("quick.test", 80)] == ["127.0.0.1"]
    assert dns.asked == {"a.slow.test": 1, "quick.test": 1}
    dns.over.set()
    await resolver.close()


async def test_threads_end_with_their_session(dns: SlowDns) -> None:
    before = set(threading.enumerate())
    async with raw_server(always_saying(http_answer(204))) as server, open_http_session(GUARD) as session:
        async with session.get(f"http://quick.test:{server.port}/"):
            pass
        [thread] = set(threading.enumerate()) - before
    thread.join(PATIENCE_SECONDS)
    assert not thread.is_alive()
    assert dns.asked == {"quick.test": 1}


async def test_real_names_and_addresses_of_both_families_are_found() -> None:
    resolver = NameResolver(threads=1, seconds=PATIENCE_SECONDS)
    for host in ("localhost", "127.0.0.1", "::1"):
        found = await resolver.resolve(host, 80)
        assert {(each["hostname"], each["port"]) for each in found} == {(host, 80)}
        assert {each["host"] for each in found} <= {"127.0.0.1", "::1"}
    with pytest.raises(OSError, match="known"):
        await resolver.resolve("nobody.invalid", 80)
    await resolver.close()


async def test_a_name_that_is_not_known_is_trouble_like_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    async with open_http_session(GUARD) as session:
        with pytest.raises(aiohttp.ClientConnectorDNSError):
            await session.get("http://nobody.test/")
