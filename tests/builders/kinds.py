"""FastAPI's own background tasks and ours, so that a test can be told about both."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fastapi
from fastapi import FastAPI
from fastapi.testclient import TestClient

from pipelines import Process, RunRecord, find_run
from pipelines.fastapi import BackgroundTasks, BackgroundWork, TaskList, durable
from pipelines.testing import Inline
from pipelines.transaction import ReadSession
from tests.builders import errands


@dataclass(frozen=True)
class Kind:
    """How an endpoint asks for its tasks, how its application is made, and how it is tested."""

    name: str
    tasks: Callable[..., Any]
    make: Callable[[Path], FastAPI]
    wrap: Callable[[Any], Any]

    @contextmanager
    def client(self, app: FastAPI, **options: Any) -> Iterator[TestClient]:
        with TestClient(self.wrap(app), **options) as client:
            yield client


async def theirs(tasks: fastapi.BackgroundTasks) -> fastapi.BackgroundTasks:
    return tasks


async def ours(tasks: BackgroundTasks) -> TaskList:
    return tasks


def durable_app(folder: Path, **work: Any) -> FastAPI:
    """An application whose tasks are ours, on a database of its own."""
    pipeline = BackgroundWork(errands.HERE, **work)
    return FastAPI(lifespan=durable(f"sqlite:///{folder / 'app.db'}", [pipeline], create_tables=True))


THEIRS = Kind("theirs", theirs, lambda _: FastAPI(), lambda app: app)
OURS = Kind("ours", ours, durable_app, Inline)


def record(app: FastAPI, run_id: Any) -> RunRecord:
    """What the journal says of this run of the application."""
    process: Process = app.state.process
    with ReadSession(process.readers) as session:
        found = find_run(session, run_id)
    assert found is not None
    return found


@asynccontextmanager
async def served(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
    """The application within its lifespan, for whoever speaks ASGI himself; what requests find as their state."""
    async with app.router.lifespan_context(app) as state:
        yield dict(state or {})
