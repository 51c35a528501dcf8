import asyncio
from collections.abc import AsyncIterator, Iterator

import httpx2
import pytest
from starlette.types import Message, Scope

from orders_service.exchange import Exchange, Limits
from tests.builders.edge_app import build_app, client_of
from tests.harness.uvicorn_server import serving, talk

LIMITS = Limits(
    body_bytes=1000,
    larger_bodies={"/v1/{kind}/import": 5000},
    header_bytes=2000,
    hosts=frozenset({"orders.test", "127.0.0.1"}),
)


@pytest.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    async with client_of(build_app(LIMITS)) as client:
        yield client


@pytest.fixture
async def address() -> AsyncIterator[tuple[str, int]]:
    async with serving(build_app(LIMITS)) as address:
        yield address


def code_of(response: httpx2.Response) -> str:
    assert response.headers["content-type"] == "application/problem+json"
    code: str = response.json()["code"]
    return code


@pytest.mark.parametrize("path", ["/v1/me", "/v1/nowhere", "/v1/bug"])
async def test_every_answer_has_the_security_headers(client: httpx2.AsyncClient, path: str) -> None:
    headers = (await client.get(path)).headers

    assert (headers["x-content-type-options"], headers["x-frame-options"]) == ("nosniff", "DENY")
    assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize(
    ("kind", "headers", "code"),
    [
        ("plain", {}, "malformed-request"),
        ("json", {}, "internal-error"),
        ("file", {"Range": "bytes=9999999-"}, "malformed-request"),
        ("file", {"Range": "lines=1"}, "malformed-request"),
    ],
)
async def test_an_error_in_another_form_becomes_a_problem(
    client: httpx2.AsyncClient, kind: str, headers: dict[str, str], code: str
) -> None:
    response = await client.get(f"/v1/forms/{kind}", headers=headers)

    assert code_of(response) == code
    assert "secret" not in response.text


async def test_an_error_page_for_people_stays_one(client: httpx2.AsyncClient) -> None:
    assert (await client.get("/v1/forms/page")).text == "<h1>gone</h1>"


async def chunks(*sizes: int) -> AsyncIterator[bytes]:
    for size in sizes:
        yield b"x" * size


@pytest.mark.parametrize(("path", "allowed"), [("/v1/bytes", 1000), ("/v1/orders/import", 5000)])
@pytest.mark.parametrize("is_declared", [True, False])
async def test_a_body_over_the_limit_of_its_path_is_refused(
    client: httpx2.AsyncClient, path: str, allowed: int, *, is_declared: bool
) -> None:
    content = b"x" * (allowed + 1) if is_declared else chunks(allowed, 1)

    response = await client.post(path, content=content)

    assert (response.status_code, code_of(response)) == (413, "payload-too-large")


async def test_a_large_body_is_refused_where_nobody_reads_it(client: httpx2.AsyncClient) -> None:
    assert (await client.post("/v1/orders/import/x", content=b"x" * 1001)).status_code == 413


@pytest.mark.parametrize(("path", "allowed"), [("/v1/bytes", 1000), ("/v1/orders/import", 5000)])
async def test_a_body_at_the_limit_of_its_path_is_taken(client: httpx2.AsyncClient, path: str, allowed: int) -> None:
    assert (await client.post(path, content=chunks(allowed - 1, 1))).status_code == 200


async def test_a_connection_is_good_for_more_after_a_large_body(address: tuple[str, int]) -> None:
    large = b"POST /v1/bytes HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000\r\n\r\n" + b"x" * 100_000
    small = b"POST /v1/bytes HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc"

    answer = await talk(address, large, small)

    assert answer.startswith(b"HTTP/1.1 413 ")
    assert answer.endswith(b"\r\n\r\n3")


async def test_a_body_that_does_not_arrive_is_not_waited_for() -> None:
    head = b"POST /v1/bytes HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n"

    async with serving(build_app(Limits(body_seconds=0.05))) as address:
        answer = await talk(address, head, b"half")

    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"request-timeout" in answer
    assert b"connection: close" in answer.lower()


async def test_what_has_arrived_buys_time_for_the_rest() -> None:
    limits = Limits(body_seconds=0.0, body_bytes_per_second=1, header_bytes=2000)
    arrived = asyncio.Event()

    async def slow_body() -> Message:
        if arrived.is_set():
            await asyncio.sleep(0)
            return {"type": "http.request", "body": b"b", "more_body": False}
        arrived.set()
        return {"type": "http.request", "body": b"a" * 600, "more_body": True}

    exchange = Exchange(a_scope(), slow_body, no_send, limits)

    assert [(await exchange.receive())["body"][:1] for _ in range(2)] == [b"a", b"b"]


async def test_after_the_body_a_route_may_wait_for_the_client_to_leave() -> None:
    left = asyncio.Event()
    messages: Iterator[Message] = iter(
        [{"type": "http.request", "body": b"", "more_body": False}, {"type": "http.disconnect"}]
    )

    async def receive() -> Message:
        message = next(messages)
        if message["type"] == "http.disconnect":
            await left.wait()
        return message

    exchange = Exchange(a_scope(), receive, no_send, Limits(body_seconds=0.0))
    await exchange.receive()
    waiting = asyncio.create_task(exchange.receive(), name="event stream")
    await asyncio.sleep(0)
    left.set()

    assert (await waiting)["type"] == "http.disconnect"


def a_scope() -> Scope:
    return {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": [], "http_version": "1.1"}


async def no_send(message: Message) -> None:
    raise AssertionError(message)


@pytest.mark.parametrize(
    ("headers", "path"), [({"X-Long": "x" * 2000}, "/v1/me"), ({}, "/" + "x" * 2000), ({}, "/v1/me?" + "x" * 2000)]
)
async def test_headers_and_address_have_a_limit(client: httpx2.AsyncClient, headers: dict[str, str], path: str) -> None:
    response = await client.get(path, headers=headers)

    assert (response.status_code, code_of(response)) == (431, "headers-too-large")


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"GET /v1/me HTTP/1.1\r\n\r\n", id="no host"),
        pytest.param(b"GET /v1/me HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.test\r\n\r\n", id="two hosts"),
        pytest.param(b"GET /v1/me HTTP/1.1\r\nHost: evil.test\r\n\r\n", id="another host"),
        pytest.param(
            b"POST /v1/bytes HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"0\r\n\r\n",
            id="length and chunks",
        ),
        pytest.param(
            b"POST /v1/bytes HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
            id="two lengths",
        ),
        pytest.param(b"GET /v1/me HTTP/1.1\nHost: 127.0.0.1\n\n", id="bare line feeds"),
        pytest.param(b"GET /v1/me HTTP/1.1\r\nHost: 127.0.0.1\r\nA: b\r\n c\r\n\r\n", id="folded header"),
        pytest.param(b"POST /v1/bytes HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -1\r\n\r\n", id="negative length"),
        pytest.param(b"GET /v1/\xff HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", id="raw bytes in the address"),
    ],
)
async def test_what_two_servers_could_read_in_two_ways_is_refused(address: tuple[str, int], head: bytes) -> None:
    answer = await talk(address, head.replace(b"HTTP/1.1\r\n", b"HTTP/1.1\r\nConnection: close\r\n"))

    assert answer.startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("host", [b"127.0.0.1", b"127.0.0.1:8000", b"ORDERS.test"])
async def test_our_own_names_are_served(address: tuple[str, int], host: bytes) -> None:
    answer = await talk(address, b"GET /v1/me HTTP/1.1\r\nConnection: close\r\nHost: " + host + b"\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 200 ")


async def test_a_probe_may_call_us_by_any_name(address: tuple[str, int]) -> None:
    answer = await talk(address, b"GET /livez HTTP/1.1\r\nConnection: close\r\nHost: 10.0.0.7\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 200 ")
