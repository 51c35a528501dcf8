"""Two ways to test an application: its tasks done when a request returns, or going on as they do live."""

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from pipelines import RunState
from pipelines.fastapi import BackgroundTasks
from pipelines.testing import Deferred, Inline
from tests.builders import errands
from tests.builders.kinds import durable_app, record


def test_inline_a_run_whose_task_raised_does_not_go_on_in_the_next_test(tmp_path: Path) -> None:
    app, lists = durable_app(tmp_path), list[BackgroundTasks]()

    @app.post("/")
    async def endpoint(tasks: BackgroundTasks) -> None:
        lists.append(tasks)
        tasks.add_task(errands.write, "a")

    errands.fail("a", times=1)
    client = TestClient(Inline(app))
    with client:
        with pytest.raises(ConnectionError):
            client.post("/")
        run = record(app, lists[0].run_id)
    assert (run.ending, run.reason, errands.done) == (RunState.CANCELLED, "a task failed in a test", [])


def test_inline_an_application_can_be_entered_again(tmp_path: Path) -> None:
    app = durable_app(tmp_path)

    @app.post("/")
    async def endpoint(tasks: BackgroundTasks) -> None:
        tasks.add_task(errands.write, "a")

    wrapped = Inline(app)
    for _ in range(2):
        with TestClient(wrapped) as client:
            client.post("/")
    assert errands.done == ["a", "a"]


def test_deferred_a_request_does_not_wait_for_its_tasks(tmp_path: Path) -> None:
    app = durable_app(tmp_path)

    @app.post("/")
    async def endpoint(tasks: BackgroundTasks) -> None:
        errands.gate()
        tasks.add_task(errands.wait_at_the_gate, "a")

    @app.post("/open")
    async def open_gate() -> None:
        errands.gates[0].opened.set()

    wrapped = Deferred(app)
    with TestClient(wrapped) as client:
        client.post("/")
        assert errands.done == []
        client.post("/open")
        wrapped.wait()
        assert record(app, wrapped.run_ids[0]).state is RunState.COMPLETED
    assert errands.done == ["a"]
