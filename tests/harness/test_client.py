"""The load client: what it takes for a yes, a no and a don't know, and that it repeats under the same key."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from aiohttp import web

from tests.harness.client import Client, OrderRequest
from tests.harness.ledger import entries
from tests.harness.processes import free_port

Answers = Callable[[str, str], web.Response]  # by key and body


@pytest.mark.parametrize(
    ("status", "event"),
    [
        (201, "ok"),
        (200, "ok"),
        (422, "fail"),
        (401, "fail"),
        (409, "info"),
        (429, "info"),
        (503, "info"),
        (301, "info"),
    ],
)
async def test_what_a_status_means(tmp_path: Path, status: int, event: str) -> None:
    async with _server(lambda *_: _answer(status)) as url, Client([url], "k", tmp_path / "ledger") as client:
        assert (await client.place(_order())).event == event
    assert [entry["event"] for entry in entries(tmp_path / "ledger")] == ["invoke", event]


async def test_a_server_that_is_away_is_no_refusal(tmp_path: Path) -> None:
    async with Client([f"http://127.0.0.1:{free_port()}"], "k", tmp_path / "ledger") as client:
        assert (await client.place(_order())).event == "info"


async def test_an_answer_that_takes_too_long_is_no_refusal(tmp_path: Path) -> None:
    with _mute_server() as url:
        async with Client([url], "k", tmp_path / "ledger", timeout_seconds=0.05) as client:
            assert (await client.place(_order())).event == "info"


async def test_an_unknown_order_is_repeated_with_the_same_key_and_bytes(tmp_path: Path) -> None:
    seen: list[tuple[str, str]] = []

    def unavailable_at_first(key: str, body: str) -> web.Response:
        seen.append((key, body))
        return _answer(503 if len(seen) < 3 else 201)

    async with _server(unavailable_at_first) as url, Client([url], "k", tmp_path / "ledger") as client:
        assert (await client.insist(_order())).event == "ok"
    assert len(seen) == 3
    assert len(set(seen)) == 1


async def test_every_order_is_placed_under_its_own_key(tmp_path: Path) -> None:
    keys: list[str] = []

    def noted(key: str, _: str) -> web.Response:
        keys.append(key)
        return _answer(201)

    async with _server(noted) as url, Client([url], "k", tmp_path / "ledger") as client:
        heard = await client.place_all([_order() for _ in range(50)], connections=8)
    assert len(heard) == len(set(keys)) == 50


async def test_servers_take_turns(tmp_path: Path) -> None:
    async with (
        _server(lambda *_: _answer(201)) as one,
        _server(lambda *_: _answer(503)) as other,
        Client([one, other], "k", tmp_path / "ledger") as client,
    ):
        assert [(await client.place(_order())).status for _ in range(4)] == [201, 503, 201, 503]


async def test_a_server_has_answered_when_another_takes_its_turn(tmp_path: Path) -> None:
    with _mute_server() as url:
        async with Client([url], "k", tmp_path / "ledger", timeout_seconds=0.05) as client:
            placing = asyncio.create_task(client.place(_order()))
            await asyncio.sleep(0)  # it begins
            await client.turn_to("http://127.0.0.1:1")
            assert placing.done()


def _order() -> OrderRequest:
    return OrderRequest((("lamp", 1),))


def _answer(status: int) -> web.Response:
    headers = {"Location": "/elsewhere"} if status == 301 else {}
    return web.Response(status=status, headers=headers, body=json.dumps({"id": "o-1"}).encode())


@asynccontextmanager
async def _server(answers: Answers) -> AsyncIterator[str]:
    async def handle(request: web.Request) -> web.Response:
        return answers(request.headers["Idempotency-Key"], await request.text())

    application = web.Application()
    application.router.add_post("/v1/orders", handle)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@contextmanager
def _mute_server() -> Iterator[str]:
    """The kernel takes the connection, and nobody ever reads from it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
