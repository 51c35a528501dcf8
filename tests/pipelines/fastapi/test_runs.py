"""The router that shows runs, under a real server: what ASGI test clients hide is what matters here."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
from fastapi import Depends, FastAPI, HTTPException, sse

from pipelines import Pipeline, Process, start
from pipelines.fastapi import run_router
from tests.builders.desk import PATIENCE_SECONDS
from tests.builders.journeys import Diary, journey, served
from tests.builders.world import Trip, World
from tests.harness.event_stream import StreamEvent, all_events, stream
from tests.harness.uvicorn_server import serving

STORY = ["pack", "travel", "unpack"]


def an_app(process: Process, **options: Any) -> FastAPI:
    app = FastAPI()
    app.include_router(run_router([journey()], process=lambda _: process, **options))
    return app


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
async def process(tmp_path: Path, world: World) -> AsyncIterator[Process]:
    async with served(f"sqlite:///{tmp_path / 'journal.db'}", world) as process:  # both are tested beside the watchers
        yield process


@pytest.fixture
async def client(process: Process) -> AsyncIterator[httpx2.AsyncClient]:
    async with (
        serving(an_app(process)) as (host, port),
        httpx2.AsyncClient(base_url=f"http://{host}:{port}", timeout=20) as client,
    ):
        yield client


async def begun(process: Process) -> UUID:
    return await process.write(start, journey(), Trip())


async def until_so_many_watch(process: Process, count: int) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while process.watchers.count != count:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)


def attempts(told: list[StreamEvent]) -> list[str]:
    return [event.data["step"] for event in told if event.kind == "attempt"]


async def test_an_open_run_is_shown_and_says_when_to_ask_again(
    process: Process, client: httpx2.AsyncClient, world: World
) -> None:
    gate = world.holds("unpack")
    run_id = await begun(process)
    await gate.reached.wait()
    answer = await client.get(f"/runs/{run_id}")
    assert (answer.status_code, answer.headers["Retry-After"]) == (200, "1")
    shown = answer.json()
    assert {name: shown[name] for name in ("id", "state", "step", "progress", "error", "finished_at", "result")} == {
        "id": str(run_id),
        "state": "running",
        "step": "unpack",
        "progress": None,
        "error": None,
        "finished_at": None,
        "result": None,
    }
    gate.opened.set()


async def test_a_long_poll_answers_when_the_run_has_ended(
    process: Process, client: httpx2.AsyncClient, world: World
) -> None:
    gate = world.holds("unpack")
    run_id = await begun(process)
    asking = asyncio.create_task(client.get(f"/runs/{run_id}?wait=20"))
    await gate.reached.wait()
    await until_so_many_watch(process, 1)
    gate.opened.set()
    answer = await asking
    shown = answer.json()
    assert (shown["state"], shown["result"]) == ("completed", {"pages": 3})
    assert [attempt["step"] for attempt in shown["attempts"]] == STORY
    assert "Retry-After" not in answer.headers
    assert process.watchers.count == 0


async def test_a_long_poll_ends_when_its_time_is_up(process: Process, client: httpx2.AsyncClient, world: World) -> None:
    gate = world.holds("unpack")
    run_id = await begun(process)
    answer = await client.get(f"/runs/{run_id}?wait=1")
    assert (answer.json()["state"], answer.headers["Retry-After"]) == ("running", "1")
    assert process.watchers.count == 0
    gate.opened.set()


@pytest.mark.parametrize("wait", ["-1", "31", "soon"])
async def test_a_wait_beyond_all_bounds_is_refused(client: httpx2.AsyncClient, wait: str) -> None:
    assert (await client.get(f"/runs/{uuid4()}?wait={wait}")).status_code == 422


@pytest.mark.parametrize("path", ["", "/events", "?wait=1"])
async def test_a_run_that_nobody_knows_is_not_found(process: Process, client: httpx2.AsyncClient, path: str) -> None:
    assert (await client.get(f"/runs/{uuid4()}{path}")).status_code == 404
    assert process.watchers.count == 0


async def test_a_stream_tells_the_story_of_a_run_and_ends_with_it(
    process: Process, client: httpx2.AsyncClient, world: World
) -> None:
    gate = world.holds("travel")
    run_id = await begun(process)
    told: list[StreamEvent] = []
    async with stream(client, f"/runs/{run_id}/events") as (answer, events):
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        async for event in events:
            told.append(event)
            if event.kind == "run" and event.data["progress"]:
                gate.opened.set()
    assert attempts(told) == STORY
    assert {"done": 1, "total": 3, "note": "left"} in [each.data["progress"] for each in told if each.kind == "run"]
    assert told[-1].data["state"] == "completed"
    await until_so_many_watch(process, 0)


async def test_who_reconnects_at_any_point_hears_the_rest_once(process: Process, client: httpx2.AsyncClient) -> None:
    run_id = await begun(process)
    told = await all_events(client, f"/runs/{run_id}/events")
    for heard in range(len(told) - 1):
        rest = await all_events(client, f"/runs/{run_id}/events", last_event_id=told[heard].id)
        assert attempts([*told[: heard + 1], *rest]) == STORY
        assert rest[-1] == told[-1]


async def test_who_has_heard_the_end_is_told_to_stop_asking(process: Process, client: httpx2.AsyncClient) -> None:
    run_id = await begun(process)
    end = (await all_events(client, f"/runs/{run_id}/events"))[-1].id
    answer = await client.get(f"/runs/{run_id}/events", headers={"Last-Event-ID": end})
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await client.get(f"/runs/{run_id}")).status_code == 200  # on the same connection


async def test_who_hangs_up_is_forgotten(process: Process, client: httpx2.AsyncClient, world: World) -> None:
    gate = world.holds("travel")
    run_id = await begun(process)
    async with stream(client, f"/runs/{run_id}/events") as (_, events):
        await anext(events)
        assert process.watchers.count == 1
    await until_so_many_watch(process, 0)
    gate.opened.set()


async def test_a_quiet_stream_is_kept_alive(
    process: Process, client: httpx2.AsyncClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fastapi.routing._PING_INTERVAL", 0.05)
    gate = world.holds("travel")
    run_id = await begun(process)
    async with stream(client, f"/runs/{run_id}/events") as (answer, _):
        async for line in answer.aiter_lines():
            if line == sse.KEEPALIVE_COMMENT.decode().strip():
                break
    gate.opened.set()


async def test_a_stream_too_many_is_refused_and_a_long_poll_answers_at_once(
    process: Process, client: httpx2.AsyncClient, world: World
) -> None:
    gate = world.holds("travel")
    run_id = await begun(process)
    process.watchers._most = 0
    refused = await client.get(f"/runs/{run_id}/events")
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
    shown = await client.get(f"/runs/{run_id}?wait=20")
    assert (shown.status_code, shown.json()["state"]) == (200, "running")
    gate.opened.set()


async def test_streams_and_long_polls_end_when_the_process_drains(
    process: Process, client: httpx2.AsyncClient, world: World
) -> None:
    gate = world.holds("travel")
    run_id = await begun(process)
    polling = asyncio.create_task(client.get(f"/runs/{run_id}?wait=30"))
    async with stream(client, f"/runs/{run_id}/events") as (_, events):
        await anext(events)
        process.begin_to_drain()
        async with asyncio.timeout(PATIENCE_SECONDS):
            told = [event async for event in events]
            shown = await polling
    assert not [event for event in told if event.data.get("state") == "completed"]
    assert shown.json()["state"] == "running"
    gate.opened.set()


@pytest.mark.parametrize("path", ["", "/events"])
async def test_a_dependency_says_who_may_see_a_run(process: Process, path: str) -> None:
    asked: list[UUID] = []

    def nobody(run_id: UUID) -> None:
        asked.append(run_id)
        raise HTTPException(404)

    run_id = await begun(process)
    app = an_app(process, prefix="/work", dependencies=[Depends(nobody)])
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://app.test") as client:
        assert (await client.get(f"/work/{run_id}{path}")).status_code == 404
    assert asked == [run_id]


def a_document(*pipelines: Pipeline[Any]) -> Any:
    app = FastAPI()
    app.include_router(run_router(pipelines))
    return app.openapi()["components"]["schemas"]


def test_openapi_tells_the_type_of_the_result() -> None:
    result = a_document(journey())["RunView"]["properties"]["result"]
    assert {"$ref": "#/components/schemas/Diary"} in result["anyOf"]


def test_openapi_tells_of_several_results() -> None:
    def ask(trip: Trip) -> int:
        return len(trip.to)

    asking = Pipeline("ask", Trip, result=int)
    asking.step()(ask)
    result = a_document(journey(), asking)["RunView"]["properties"]["result"]
    assert {"type": "integer"} in result["anyOf"]
    assert {"$ref": "#/components/schemas/Diary"} in result["anyOf"]
    assert Diary.__name__ in a_document(journey())
