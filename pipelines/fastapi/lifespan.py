"""For FastAPI applications: a process that lives as long as the application does, and how a request finds it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from datetime import timedelta
from functools import partial
from typing import Any, TypedDict, Unpack

from fastapi import FastAPI
from fastapi.requests import HTTPConnection

from pipelines import journal
from pipelines.clock import Clock
from pipelines.committer import Limits
from pipelines.errors import WiringError
from pipelines.events import Subscriber
from pipelines.fastapi.signals import heard_first
from pipelines.pipeline import Pipeline
from pipelines.process import Process
from pipelines.retention import Retention
from pipelines.schedule import Schedule
from pipelines.worker import Carrier, Dice, Faults, Rhythm

DRAIN_GRACE = timedelta(seconds=25)


class ProcessOptions(TypedDict, total=False):
    """What `Process` takes by name, so that a slip in `durable(...)` is found where it is written."""

    provide: Mapping[Any, object] | None
    slots: int
    threads: int
    connections: int
    rhythm: Rhythm | None
    limits: Limits | None
    clock: Clock | None
    dice: Dice
    subscribers: Iterable[Subscriber]
    on_failure: Callable[[str], None] | None
    origin: Callable[[], str | None]
    schedules: Iterable[Schedule[Any]]
    retention: Retention | None
    carrier: Carrier | None
    faults: Faults | None


@asynccontextmanager
async def running(
    process: Process, *, grace: timedelta = DRAIN_GRACE, hear_signals: bool = False
) -> AsyncIterator[Process]:
    """Start the process, and at the end drain it within the grace and leave the journal. For use in a lifespan.

    Servers end the lifespan last, after open requests: with `hear_signals` the process begins to drain at SIGTERM or
    SIGINT already, before the server's own handler is called, so that streams end and no run is claimed any more; or
    have your own handler call `process.begin_to_drain()`. Requests find the process when the lifespan yields
    `{"process": process}`.
    """
    await process.start()
    hearing = heard_first(partial(_begin_to_drain, process)) if hear_signals else nullcontext()
    try:
        with hearing:
            yield process
            await process.drain(grace=grace)
    finally:
        await process.stop()


def _begin_to_drain(process: Process) -> None:
    process.loop.call_soon_threadsafe(process.begin_to_drain)


def durable(
    database_url: str,
    pipelines: Iterable[Pipeline[Any]] = (),
    *,
    grace: timedelta = DRAIN_GRACE,
    create_tables: bool = False,
    **options: Unpack[ProcessOptions],
) -> Callable[[FastAPI], AbstractAsyncContextManager[dict[str, Process]]]:
    """A lifespan that is nothing but a `Process` of these pipelines: `FastAPI(lifespan=durable(...))`.

    `options` go to the `Process`. With `create_tables` all tables, yours too, are made where they are missing; an
    application that migrates its database has them in its migrations instead.
    """
    declared = tuple(pipelines)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Process]]:
        if create_tables:
            await asyncio.to_thread(journal.create_tables, database_url)
        async with running(Process(database_url, declared, **options), grace=grace, hear_signals=True) as process:
            app.state.process = process
            yield {"process": process}

    return lifespan


def process_of(connection: HTTPConnection) -> Process:
    """The process that serves this request: from the lifespan's state. Raises `WiringError` when there is none."""
    process = getattr(connection.state, "process", None)
    if not isinstance(process, Process):
        raise WiringError(
            'This application has no process: FastAPI(lifespan=durable(...)), or a lifespan that yields {"process": '
            "...}; in a test, enter the lifespan too."
        )
    return process
