"""What the drop-in changes on purpose: each point names the one of FastAPI's own that it mends."""

from collections.abc import AsyncIterator, MutableMapping
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import pytest
from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import DependencyScopeError
from fastapi.responses import JSONResponse, StreamingResponse
from fastapi.testclient import TestClient
from starlette.background import BackgroundTask
from starlette.requests import ClientDisconnect
from tenacity import wait_none

from pipelines import Limits, Overloaded, Retry, RunState
from pipelines.fastapi import BackgroundTasks, BackgroundWork, TaskRefused, durable
from pipelines.testing import Deferred, Inline
from tests.builders import errands
from tests.builders.kinds import OURS, THEIRS, Kind, durable_app, record, served
from tests.builders.world import told

TWICE = Retry(on=(Exception,), attempts=2, wait=wait_none())


def app_with_three(folder: Path, **work: Any) -> FastAPI:
    """Three tasks a request; a query parameter stops them at the first that fails."""
    app = durable_app(folder, retry=TWICE, **work)

    @app.post("/")
    async def endpoint(tasks: BackgroundTasks, *, stop: bool | None = None) -> UUID | None:
        if stop is not None:
            tasks.stop_on_error = stop
        for name in "abc":
            tasks.add_task(errands.write, name)
        return await tasks.save()

    return app


def test_failure_harms_no_sibling_and_the_client_keeps_its_success(tmp_path: Path) -> None:
    app = Deferred(inner := app_with_three(tmp_path))
    errands.fail("a")
    with TestClient(app) as client:
        response = client.post("/")
        app.wait()
        run = record(inner, app.run_ids[0])
    assert response.status_code == 200
    assert errands.done == ["b", "c"]
    assert (run.state, run.reason) == (RunState.FAILED, "1 write: ConnectionError: a is not to be had")


def test_failure_is_retried_and_each_task_is_a_step(tmp_path: Path) -> None:
    app = Deferred(inner := app_with_three(tmp_path))
    errands.fail("b", times=1)
    with TestClient(app) as client:
        client.post("/")
        app.wait()
        run = record(inner, app.run_ids[0])
    assert told(run) == ["do 1 write: success", "do 2 write: retry", "do 2 write: success", "do 3 write: success"]
    assert (run.state, errands.done) == (RunState.COMPLETED, ["a", "b", "c"])


@pytest.mark.parametrize(("always", "asked"), [(True, None), (False, True)], ids=["set up", "asked for"])
def test_failure_stops_the_rest_where_that_is_wanted(tmp_path: Path, *, always: bool, asked: bool | None) -> None:
    app = Deferred(inner := app_with_three(tmp_path, stop_on_error=always))
    errands.fail("b")
    with TestClient(app) as client:
        client.post("/", params={} if asked is None else {"stop": asked})
        app.wait()
        run = record(inner, app.run_ids[0])
    assert (errands.done, run.state, run.step) == (["a"], RunState.FAILED, "2 write")


def test_failure_of_the_commit_is_an_error_that_the_application_maps(tmp_path: Path) -> None:
    work = BackgroundWork(errands.HERE)
    url = f"sqlite:///{tmp_path / 'app.db'}"
    app = FastAPI(lifespan=durable(url, [work], create_tables=True, limits=Limits(waiting=0)))

    @app.exception_handler(Overloaded)
    async def busy(_: Request, error: Exception) -> Response:
        return JSONResponse({"detail": str(error)}, 503)

    @app.post("/")
    async def endpoint(tasks: BackgroundTasks) -> None:
        tasks.add_task(errands.write, "a")

    with TestClient(Inline(app)) as client:
        assert client.post("/").status_code == 503
    assert errands.done == []


@pytest.mark.parametrize(("kind", "done"), [(THEIRS, ["its own"]), (OURS, ["its own", "a"])], ids=["theirs", "ours"])
def test_silence_a_response_with_a_background_of_its_own_does_not_swallow_the_tasks(
    kind: Kind, tmp_path: Path, done: list[str]
) -> None:
    app = kind.make(tmp_path)

    @app.post("/")
    async def endpoint(tasks: Annotated[Any, Depends(kind.tasks)]) -> Response:
        tasks.add_task(errands.write, "a")
        return JSONResponse({}, background=BackgroundTask(errands.write, "its own"))

    with kind.client(app) as client:
        client.post("/")
    assert sorted(errands.done) == sorted(done)


def test_silence_adding_when_the_response_is_on_its_way_is_an_error(tmp_path: Path) -> None:
    app, kept = durable_app(tmp_path), list[Any]()

    @app.post("/")
    async def endpoint(tasks: BackgroundTasks) -> None:
        kept.append(tasks)

    with TestClient(Inline(app)) as client:
        client.post("/")
    with pytest.raises(TaskRefused, match="The response is on its way: add tasks before"):
        kept[0].add_task(errands.write, "a")


def test_silence_a_dependency_that_could_only_add_too_late_is_refused_when_it_is_declared(tmp_path: Path) -> None:
    async def late(tasks: BackgroundTasks) -> AsyncIterator[None]:
        yield
        tasks.add_task(errands.write, "a")

    with pytest.raises(DependencyScopeError, match="late"):

        @durable_app(tmp_path).post("/")
        async def endpoint(_: Annotated[None, Depends(late)]) -> None:
            """Never declared."""


def test_silence_a_function_scoped_dependency_may_add_after_its_yield(tmp_path: Path) -> None:
    app = durable_app(tmp_path)

    async def late(tasks: BackgroundTasks) -> AsyncIterator[None]:
        yield
        tasks.add_task(errands.write, "a")

    @app.post("/")
    async def endpoint(_: Annotated[None, Depends(late, scope="function")]) -> None:
        """Nothing of its own."""

    with TestClient(Inline(app)) as client:
        client.post("/")
    assert errands.done == ["a"]


@pytest.mark.parametrize(("kind", "told"), [(THEIRS, ["a", "closed"]), (OURS, ["closed", "a"])], ids=["theirs", "ours"])
def test_dependencies_are_not_held_until_the_tasks_are_done(kind: Kind, tmp_path: Path, told: list[str]) -> None:
    app, gate = kind.make(tmp_path), errands.gate()
    if kind is THEIRS:  # nobody could open it meanwhile
        gate.opened.set()

    async def session() -> AsyncIterator[None]:
        yield
        errands.done.append("closed")
        gate.opened.set()

    @app.post("/")
    async def endpoint(tasks: Annotated[Any, Depends(kind.tasks)], _: Annotated[None, Depends(session)]) -> None:
        tasks.add_task(errands.wait_at_the_gate, "a")

    with kind.client(app) as client:
        client.post("/")
    assert errands.done == told


@pytest.mark.parametrize(("kind", "done"), [(THEIRS, []), (OURS, ["a"])], ids=["theirs", "ours"])
async def test_disconnect_a_client_that_leaves_a_stream_does_not_take_the_tasks_with_it(
    kind: Kind, tmp_path: Path, done: list[str]
) -> None:
    app = kind.make(tmp_path)

    async def body() -> AsyncIterator[bytes]:
        yield b"one"
        yield b"two"

    @app.post("/")
    async def endpoint(tasks: Annotated[Any, Depends(kind.tasks)]) -> Response:
        tasks.add_task(errands.send, "a")
        return StreamingResponse(body())

    async def nobody_hears(_: MutableMapping[str, Any]) -> None:
        raise OSError

    async def ask() -> dict[str, Any]:
        return {"type": "http.request"}

    wrapped = Deferred(app)
    async with served(app) as state:
        scope = {"type": "http", "asgi": {"spec_version": "2.4"}, "method": "POST", "path": "/", "headers": []}
        with pytest.raises(ClientDisconnect):
            await wrapped({**scope, "query_string": b"", "state": state}, ask, nobody_hears)
        await wrapped.ended()
    assert errands.done == done


def test_the_rest_too_many_or_too_large_tasks_are_refused(tmp_path: Path) -> None:
    app = durable_app(tmp_path, most_tasks=2, most_bytes=1000)

    @app.post("/")
    async def endpoint(tasks: BackgroundTasks, count: int, size: int) -> None:
        for _ in range(count):
            tasks.add_task(errands.write, "a" * size)

    with TestClient(Inline(app)) as client:
        client.post("/", params={"count": 2, "size": 400})
        with pytest.raises(TaskRefused, match="A request may have 2 tasks: start a pipeline"):
            client.post("/", params={"count": 3, "size": 1})
        with pytest.raises(TaskRefused, match="may take 1000 bytes: hand over ids instead"):
            client.post("/", params={"count": 2, "size": 500})
    assert errands.done == ["a" * 400] * 2
