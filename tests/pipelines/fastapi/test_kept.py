"""What the drop-in keeps of FastAPI's `BackgroundTasks`: each point is seen with theirs, and with ours."""

import threading
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import pytest
from fastapi import Depends, HTTPException, Response
from fastapi.responses import PlainTextResponse, StreamingResponse

from tests.builders import errands
from tests.builders.kinds import Kind


def test_signature_positional_and_keyword_arguments_reach_the_function(kind: Kind, tmp_path: Path) -> None:
    app = kind.make(tmp_path)

    @app.post("/")
    async def endpoint(tasks: Annotated[Any, Depends(kind.tasks)]) -> None:
        tasks.add_task(errands.write, "a", color="red", size=[1, {"of": None}])
        tasks.add_task(errands.send, "b", message="hello")

    with kind.client(app) as client:
        client.post("/")
    assert errands.done == [("a", {"color": "red", "size": [1, {"of": None}]}), ("b", {"message": "hello"})]


def test_signature_endpoint_and_dependencies_share_one_list_in_the_order_in_which_they_are_solved(
    kind: Kind, tmp_path: Path
) -> None:
    app = kind.make(tmp_path)
    lists: list[Any] = []

    def deeper(tasks: Annotated[Any, Depends(kind.tasks)]) -> None:
        lists.append(tasks)
        tasks.add_task(errands.write, "sub-dependency")

    async def deep(_: Annotated[None, Depends(deeper)], tasks: Annotated[Any, Depends(kind.tasks)]) -> None:
        lists.append(tasks)
        tasks.add_task(errands.send, "dependency")

    @app.post("/")
    def endpoint(tasks: Annotated[Any, Depends(kind.tasks)], _: Annotated[None, Depends(deep)]) -> None:
        lists.append(tasks)
        tasks.add_task(errands.write, "endpoint")

    with kind.client(app) as client:
        client.post("/")
    assert errands.done == ["sub-dependency", "dependency", "endpoint"]
    assert all(each is lists[0] for each in lists)


def test_order_is_that_of_adding_whatever_the_functions_are(kind: Kind, tmp_path: Path) -> None:
    app = kind.make(tmp_path)
    names = [f"task {number}" for number in range(12)]

    @app.post("/")
    async def endpoint(tasks: Annotated[Any, Depends(kind.tasks)]) -> None:
        for number, name in enumerate(names):
            tasks.add_task(errands.send if number % 2 else errands.write, name)

    with kind.client(app) as client:
        client.post("/")
    assert errands.done == names


def test_start_nothing_runs_before_the_endpoint_has_returned(kind: Kind, tmp_path: Path) -> None:
    app = kind.make(tmp_path)
    seen: list[Any] = []

    @app.post("/")
    async def endpoint(tasks: Annotated[Any, Depends(kind.tasks)]) -> None:
        tasks.add_task(errands.write, "a")
        seen.extend(errands.done)

    with kind.client(app) as client:
        client.post("/")
    assert (seen, errands.done) == ([], ["a"])


@pytest.mark.parametrize(
    ("function", "on_the_loop"),
    [
        (errands.write, False),
        (errands.send, True),
        (partial(partial(errands.write)), False),
        (partial(errands.send, message=""), True),
        (errands.office, True),
    ],
    ids=["def", "async def", "partial of a def", "partial of an async def", "async __call__"],
)
def test_sync_or_async_decides_between_a_thread_and_the_loop(
    kind: Kind, tmp_path: Path, function: Any, *, on_the_loop: bool
) -> None:
    app = kind.make(tmp_path)
    loop: list[str] = []

    @app.post("/")
    async def endpoint(tasks: Annotated[Any, Depends(kind.tasks)]) -> None:
        loop.append(threading.current_thread().name)
        tasks.add_task(function, "a")

    with kind.client(app) as client:
        client.post("/")
    assert errands.done == ["a"]
    assert (errands.threads == loop) is on_the_loop


@pytest.mark.parametrize("error", [HTTPException(409), RuntimeError("no")], ids=["HTTPException", "any"])
def test_only_after_success_an_endpoint_that_raises_starts_nothing(
    kind: Kind, tmp_path: Path, error: Exception
) -> None:
    app = kind.make(tmp_path)

    @app.post("/")
    async def endpoint(tasks: Annotated[Any, Depends(kind.tasks)]) -> None:
        tasks.add_task(errands.write, "a")
        raise error

    with kind.client(app, raise_server_exceptions=False) as client:
        assert client.post("/").status_code in {409, 500}
    assert errands.done == []


def test_only_after_success_invalid_input_starts_nothing(kind: Kind, tmp_path: Path) -> None:
    app = kind.make(tmp_path)

    async def eager(tasks: Annotated[Any, Depends(kind.tasks)]) -> None:
        tasks.add_task(errands.write, "a")

    @app.post("/")
    async def endpoint(_: Annotated[None, Depends(eager)], number: int) -> int:
        return number

    with kind.client(app) as client:
        assert client.post("/?number=one").status_code == 422
    assert errands.done == []


@pytest.mark.parametrize("status", [200, 400, 500])
def test_a_response_that_the_endpoint_returns_is_a_success_whatever_its_status(
    kind: Kind, tmp_path: Path, status: int
) -> None:
    app = kind.make(tmp_path)

    @app.post("/")
    async def endpoint(tasks: Annotated[Any, Depends(kind.tasks)]) -> Response:
        tasks.add_task(errands.write, "a")
        return PlainTextResponse("done", status)

    with kind.client(app) as client:
        assert client.post("/").status_code == status
    assert errands.done == ["a"]


def test_a_stream_that_is_read_to_its_end_has_its_tasks_done(kind: Kind, tmp_path: Path) -> None:
    app = kind.make(tmp_path)

    async def body() -> AsyncIterator[bytes]:
        yield b"one"
        yield b"two"

    @app.post("/")
    async def endpoint(tasks: Annotated[Any, Depends(kind.tasks)]) -> Response:
        tasks.add_task(errands.write, "a")
        return StreamingResponse(body())

    with kind.client(app) as client:
        assert client.post("/").content == b"onetwo"
    assert errands.done == ["a"]


def test_a_request_without_tasks_starts_nothing(kind: Kind, tmp_path: Path) -> None:
    app = kind.make(tmp_path)

    @app.post("/")
    async def endpoint(tasks: Annotated[Any, Depends(kind.tasks)]) -> bool:
        return getattr(tasks, "run_id", None) is None

    with kind.client(app) as client:
        assert client.post("/").json() is True


def test_in_a_test_what_a_task_raises_is_raised_and_the_following_are_not_run(kind: Kind, tmp_path: Path) -> None:
    app = kind.make(tmp_path)

    @app.post("/")
    async def endpoint(tasks: Annotated[Any, Depends(kind.tasks)]) -> None:
        tasks.add_task(errands.send, "a")
        tasks.add_task(errands.send, "b")

    errands.fail("a")
    with kind.client(app) as client, pytest.raises(ConnectionError, match="a is not to be had"):
        client.post("/")
    assert errands.done == []


def test_in_a_test_the_response_was_a_success_all_the_same(kind: Kind, tmp_path: Path) -> None:
    app = kind.make(tmp_path)

    @app.post("/")
    async def endpoint(tasks: Annotated[Any, Depends(kind.tasks)]) -> None:
        tasks.add_task(errands.write, "a")

    errands.fail("a")
    with kind.client(app, raise_server_exceptions=False) as client:
        assert client.post("/").status_code == 200
