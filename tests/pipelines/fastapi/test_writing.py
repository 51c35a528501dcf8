"""Tasks in the endpoint's own transaction: its record and its tasks stand or fall together."""

from contextlib import suppress

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from pipelines import Transaction
from pipelines.fastapi import BackgroundTasks, BackgroundWork, Write, durable
from pipelines.testing import Inline
from tests.builders import errands
from tests.builders.desk import from_outside
from tests.builders.world import metadata, note, noted


class Refused(Exception):
    """What a transaction function raises."""


def write_down(tx: Transaction, what: str, *, refuse: bool = False) -> str:
    note(tx, what)
    if refuse:
        raise Refused
    return f"{what} is written"


@pytest.fixture
def app(database_url: str) -> FastAPI:
    """An application that notes effects; its tasks are errands."""
    from_outside(database_url, metadata.create_all)
    return FastAPI(lifespan=durable(database_url, [BackgroundWork(errands.HERE)], create_tables=True))


def test_a_record_and_its_tasks_are_written_together(app: FastAPI, database_url: str) -> None:
    @app.post("/")
    async def endpoint(write: Write, tasks: BackgroundTasks) -> list[object]:
        tasks.add_task(errands.send, "a")
        return [await write(write_down, "order", tasks=tasks), tasks.run_id is not None]

    with TestClient(Inline(app)) as client:
        assert client.post("/").json() == ["order is written", True]
    assert (noted(database_url), errands.done) == (["order"], ["a"])


def test_neither_is_written_when_the_function_refuses_even_if_the_endpoint_makes_light_of_it(
    app: FastAPI, database_url: str
) -> None:
    @app.post("/")
    async def endpoint(write: Write, tasks: BackgroundTasks) -> None:
        tasks.add_task(errands.send, "a")
        with suppress(Refused):
            await write(write_down, "order", refuse=True, tasks=tasks)

    with TestClient(Inline(app)) as client:
        assert client.post("/").status_code == 200
    assert (noted(database_url), errands.done) == ([], [])
