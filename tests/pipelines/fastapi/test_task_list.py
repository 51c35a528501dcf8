"""When tasks are written, and what cannot be done any more after it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated
from uuid import UUID

import pytest
from fastapi import Depends, FastAPI, WebSocket
from fastapi.testclient import TestClient

from pipelines import Process, Transaction, WiringError
from pipelines.fastapi import BackgroundTasks, BackgroundWork, TaskRefused, Write
from pipelines.testing import Deferred, Inline, rehearsal
from tests.builders import errands
from tests.builders.kinds import durable_app, record


def nothing(tx: Transaction) -> None:
    """Writes nothing of its own."""


def test_after_a_write_that_took_the_tasks_nothing_can_be_added(tmp_path: Path) -> None:
    app = durable_app(tmp_path)

    @app.post("/")
    async def endpoint(write: Write, tasks: BackgroundTasks) -> None:
        await write(nothing, tasks=tasks)
        tasks.add_task(errands.send, "a")

    with (
        TestClient(Inline(app)) as client,
        pytest.raises(TaskRefused, match="handed to its transaction: add them before"),
    ):
        client.post("/")


def test_tasks_are_taken_by_one_write_only(tmp_path: Path) -> None:
    app = durable_app(tmp_path)

    @app.post("/")
    async def endpoint(write: Write, tasks: BackgroundTasks) -> None:
        tasks.add_task(errands.send, "a")
        await write(nothing, tasks=tasks)
        await write(nothing, tasks=tasks)

    with TestClient(Inline(app)) as client, pytest.raises(TaskRefused, match="written already"):
        client.post("/")


def test_a_write_that_does_not_take_the_tasks_leaves_them_to_the_end(tmp_path: Path) -> None:
    app = durable_app(tmp_path)

    @app.post("/")
    async def endpoint(write: Write, tasks: BackgroundTasks) -> None:
        tasks.add_task(errands.send, "a")
        await write(nothing)
        tasks.add_task(errands.send, "b")

    with TestClient(Inline(app)) as client:
        client.post("/")
    assert errands.done == ["a", "b"]


def test_saved_tasks_have_a_run_whose_number_can_be_in_the_answer(tmp_path: Path) -> None:
    app = durable_app(tmp_path)

    @app.post("/")
    async def endpoint(tasks: BackgroundTasks) -> str:
        tasks.add_task(errands.write, "a")
        tasks.add_task(errands.send, "b")
        return str(await tasks.save())

    with TestClient(Inline(app)) as client:
        run = record(app, UUID(client.post("/").json()))
    assert [attempt.step for attempt in run.attempts] == ["1 write", "2 send"]


def test_a_websocket_has_its_tasks_written_when_its_endpoint_returns(tmp_path: Path) -> None:
    app = durable_app(tmp_path)

    @app.websocket("/")
    async def endpoint(socket: WebSocket, tasks: BackgroundTasks) -> None:
        await socket.accept()
        tasks.add_task(errands.send, "a")
        await socket.close()

    with TestClient(Inline(app)) as client, client.websocket_connect("/"):
        pass
    assert errands.done == ["a"]


@pytest.mark.parametrize(("asks_itself", "done"), [(True, []), (False, ["a"])], ids=["after the list", "before it"])
def test_a_dependency_that_fails_when_it_is_left_takes_the_tasks_along_only_if_it_was_solved(
    tmp_path: Path, *, asks_itself: bool, done: list[str]
) -> None:
    app = durable_app(tmp_path)

    async def bare() -> AsyncIterator[None]:
        yield
        raise OSError("the commit failed")

    async def asking(_: BackgroundTasks) -> AsyncIterator[None]:
        yield
        raise OSError("the commit failed")

    @app.post("/")
    async def endpoint(
        _: Annotated[None, Depends(asking if asks_itself else bare, scope="function")], tasks: BackgroundTasks
    ) -> None:
        tasks.add_task(errands.send, "a")

    wrapped = Deferred(app)
    with TestClient(wrapped, raise_server_exceptions=False) as client:
        assert client.post("/").status_code == 500
        wrapped.wait()
    assert errands.done == done


async def test_a_list_can_be_made_by_hand_for_a_process(tmp_path: Path) -> None:
    async with rehearsal([BackgroundWork(errands.HERE)]) as stage:
        tasks = BackgroundTasks(stage.process)
        tasks.add_task(errands.write, "a")
        assert await tasks.save() == await tasks.save()
        await stage.run_to_the_end()
    assert errands.done == ["a"]


async def test_a_process_without_background_work_says_what_it_lacks(tmp_path: Path) -> None:
    process = Process(f"sqlite:///{tmp_path / 'app.db'}")
    with pytest.raises(WiringError, match="give it BackgroundWork"):
        BackgroundTasks(process)


def test_an_application_without_a_process_says_what_it_lacks() -> None:
    app = FastAPI()

    @app.post("/")
    async def endpoint(tasks: BackgroundTasks) -> None:
        tasks.add_task(errands.write, "a")

    with TestClient(app) as client, pytest.raises(WiringError, match="lifespan=durable"):
        client.post("/")
