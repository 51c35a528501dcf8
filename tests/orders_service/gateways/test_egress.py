"""The guard: nothing that is not public is ever connected to."""

import gzip
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from ipaddress import ip_network

import aiohttp
import pytest

from orders_service.gateways import LOOPBACK, DestinationRefused, Guard, open_http_session
from tests.harness.raw_server import RawServer, always_saying, http_answer, nothing, raw_server
from tests.harness.resolver import ScriptedResolver

ONLY_FIRST = [ip_network("127.0.0.1/32")]
NO_CONTENT = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"


@pytest.fixture
async def trap() -> AsyncIterator[RawServer]:
    async with raw_server(nothing, host="127.0.0.2") as server:
        yield server


@asynccontextmanager
async def guarded(*answers: Sequence[str]) -> AsyncIterator[aiohttp.ClientSession]:
    """A session that may call 127.0.0.1 and nothing else on the loopback."""
    guard = Guard(ONLY_FIRST, allow_http=True)
    async with open_http_session(guard, resolver=ScriptedResolver(*answers) if answers else None) as session:
        yield session


@pytest.mark.parametrize("url", ["https://example.com/hook?x=1", "https://1.1.1.1:8443/", "https://[2606:4700::1111]/"])
def test_a_public_destination_is_admitted(url: str) -> None:
    assert str(Guard().admit(url)) == url


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/",
        "https://10.0.0.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/",
        "https://[fe80::1%25eth0]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[64:ff9b::a9fe:a9fe]/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://0xA9FEA9FE/",
        "https://0177.0.0.1/",
        "https://127.1/",
        "https://127.0.0.1./",
        "https://\uff11\uff12\uff17.0.0.1/",
        "https://127\u30020\u30020\u30021/",
    ],
)
def test_an_address_that_is_not_public_is_refused_at_once(url: str) -> None:
    with pytest.raises(DestinationRefused):
        Guard().admit(url)


@pytest.mark.parametrize("url", ["https://127.1/", "https://0x7f000001/", "https://127.0.0.1./"])
def test_an_odd_spelling_is_refused_even_where_its_address_is_allowed(url: str) -> None:
    with pytest.raises(DestinationRefused):
        Guard(LOOPBACK).admit(url)


@pytest.mark.parametrize(
    "url", ["", "https://", "https:///path", "example.com", "http://example.com", "ftp://example.com", "file:///etc"]
)
def test_only_https_urls_are_destinations(url: str) -> None:
    with pytest.raises(DestinationRefused):
        Guard().admit(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://xn--/",
        "https://a..b/",
        "https://.a/",
        "https://a../",
        f"https://{'a' * 64}.example/",
        f"https://{'.'.join(['a' * 60] * 6)}/",
    ],
)
def test_a_host_that_no_resolver_could_be_asked_for_is_refused(url: str) -> None:
    with pytest.raises(DestinationRefused):
        Guard().admit(url)


@pytest.mark.parametrize(
    "url", ["https://example.com./", f"https://{'a' * 63}.example/", "https://m\u00fcller.example/"]
)
def test_an_unusual_name_is_admitted(url: str) -> None:
    assert Guard().admit(url)


def test_plain_http_can_be_allowed() -> None:
    assert str(Guard(LOOPBACK, allow_http=True).admit("http://127.0.0.1:8000/"))


@pytest.mark.parametrize("url", ["https://user@example.com/", "https://user:pass@example.com/", "https://:p@a.com/"])
def test_credentials_in_a_url_are_refused(url: str) -> None:
    with pytest.raises(DestinationRefused, match="credentials"):
        Guard().admit(url)


@pytest.mark.parametrize(
    "url",
    ["https://user:canary@example.com/", "http://example.com/canary", "https://[canary/", "https://10.0.0.1/canary"],
)
def test_a_refusal_shows_neither_path_nor_credentials(url: str) -> None:
    with pytest.raises(DestinationRefused) as refusal:
        Guard().admit(url)
    assert "canary" not in str(refusal.value)


async def test_an_allowed_destination_is_reached() -> None:
    async with (
        raw_server(always_saying(NO_CONTENT)) as server,
        guarded(["127.0.0.1"]) as session,
        session.get(f"http://warehouse.test:{server.port}/") as answer,
    ):
        assert answer.status == 204


@pytest.mark.parametrize("answer", [["127.0.0.2"], ["127.0.0.1", "127.0.0.2"], ["127.0.0.1", "::ffff:127.0.0.2"]])
async def test_a_name_with_any_address_that_is_refused_is_not_called(trap: RawServer, answer: list[str]) -> None:
    async with guarded(answer) as session:
        with pytest.raises(DestinationRefused):
            await session.get(f"http://warehouse.test:{trap.port}/")
    assert trap.connects == 0


async def test_a_name_that_changes_its_address_is_judged_again() -> None:
    async with raw_server(always_saying(NO_CONTENT)) as server, guarded(["127.0.0.1"], ["127.0.0.2"]) as session:
        url = f"http://warehouse.test:{server.port}/"
        async with session.get(url):
            pass
        assert isinstance(session.connector, aiohttp.TCPConnector)
        session.connector.clear_dns_cache()
        with pytest.raises(DestinationRefused):
            await session.get(url)


async def test_an_address_in_place_of_a_name_is_judged_although_no_resolver_is_asked(trap: RawServer) -> None:
    async with guarded() as session:
        with pytest.raises(DestinationRefused):
            await session.get(f"http://127.0.0.2:{trap.port}/")
    assert trap.connects == 0


async def test_a_redirect_that_is_followed_by_mistake_is_judged_too(trap: RawServer) -> None:
    moved = f"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.2:{trap.port}/\r\nContent-Length: 0\r\n\r\n".encode()
    async with raw_server(always_saying(moved)) as server, guarded() as session:
        with pytest.raises(DestinationRefused):
            await session.get(f"http://127.0.0.1:{server.port}/")
    assert trap.connects == 0


async def test_proxies_of_the_environment_are_ignored(trap: RawServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.2:{trap.port}")
    async with (
        raw_server(always_saying(NO_CONTENT)) as server,
        guarded() as session,
        session.get(f"http://127.0.0.1:{server.port}/") as answer,
    ):
        assert answer.status == 204
    assert trap.connects == 0


async def test_a_compressed_answer_is_not_unpacked() -> None:
    bomb = gzip.compress(b"0" * 10_000_000)
    talk = always_saying(http_answer(200, "Content-Encoding: gzip", body=bomb))
    async with (
        raw_server(talk) as server,
        guarded() as session,
        session.get(f"http://127.0.0.1:{server.port}/") as answer,
    ):
        assert await answer.read() == bomb


async def test_cookies_are_not_kept() -> None:
    cookie = b"HTTP/1.1 204 No Content\r\nSet-Cookie: a=b\r\n\r\n"
    async with (
        raw_server(always_saying(cookie)) as server,
        guarded(["127.0.0.1"]) as session,
        session.get(f"http://warehouse.test:{server.port}/"),
    ):
        assert not list(session.cookie_jar)


async def test_a_name_without_an_address_is_trouble_but_no_refusal() -> None:
    async with guarded([]) as session:
        with pytest.raises(aiohttp.ClientConnectorDNSError):
            await session.get("http://warehouse.test/")
