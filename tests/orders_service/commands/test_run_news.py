"""A stream that breaks is taken up where it broke: a restart of the service is nothing that a watcher sees."""

import asyncio
import json

import pytest

from orders_service.client import Client, ServiceAway
from orders_service.commands import run_news
from orders_service.commands.run_news import news_of
from orders_service.server_events import ServerEvent
from tests.harness.raw_server import RawServer, Talk, raw_server, read_http_request

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"


@pytest.fixture(autouse=True)
def no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_news, "PAUSE_SECONDS", 0.0)


def event(name: str, place: int, **data: object) -> bytes:
    return f"event: {name}\ndata: {json.dumps(data)}\nid: {place}\n\n".encode()


def saying(*answers: bytes, asked: list[bytes]) -> Talk:
    """One answer to each connection, and then nothing to anybody."""
    left = list(answers)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await read_http_request(reader))
        if left:
            writer.write(left.pop(0))
            await writer.drain()

    return talk


async def heard(talk: Talk, patience_seconds: float = 60.0) -> list[ServerEvent]:
    async with raw_server(talk) as server:
        return await asyncio.to_thread(
            lambda: list(news_of(client_of(server), "r1", patience_seconds=patience_seconds))
        )


def client_of(server: RawServer) -> Client:
    return Client(f"http://127.0.0.1:{server.port}", "a-key")


async def test_each_event_is_told_once_though_the_stream_breaks() -> None:
    asked: list[bytes] = []
    first = HEAD + event("attempt", 1, step="one") + b"event: attempt\ndata: {cut off"
    second = HEAD + b": ping\n\n" + event("attempt", 2, step="two") + event("run", 3, state="failed")
    events = await heard(saying(first, b"", b"HTTP/1.1 502 Bad Gateway\r\n\r\n", second, asked=asked))
    assert [each.id for each in events] == ["1", "2", "3"]
    assert [b"last-event-id: 1" in each.lower() for each in asked] == [False, True, True, True]


async def test_a_service_that_never_answered_is_not_waited_for() -> None:
    asked: list[bytes] = []
    with pytest.raises(ServiceAway):
        await heard(saying(asked=asked))
    assert len(asked) == 1


async def test_patience_ends() -> None:
    asked: list[bytes] = []
    with pytest.raises(ServiceAway):
        await heard(saying(HEAD + event("attempt", 1, step="one"), asked=asked), patience_seconds=0.0)
    assert len(asked) == 2
