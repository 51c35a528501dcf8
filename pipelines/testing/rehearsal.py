"""A process in the hands of a test: it does what the test says, when the test says it."""

import tempfile
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar
from uuid import UUID

from sqlmodel import SQLModel

from pipelines.errors import PipelinesError, UnknownRun
from pipelines.journal import browsing, open_for_writing, start
from pipelines.pipeline import Pipeline
from pipelines.process import Process
from pipelines.testing.clock import VirtualClock
from pipelines.transaction import ReadSession, Transaction

In = TypeVar("In")
P = ParamSpec("P")
R = TypeVar("R")

MOST_ROUNDS = 1000


class NeverEndingError(PipelinesError):
    """A run neither ended nor came any further; the message names it."""


class Rehearsal:
    """A process in the hands of a test: nothing recurs by itself, and waiting takes no time."""

    def __init__(self, process: Process, clock: VirtualClock) -> None:
        self.process = process
        self.clock = clock

    async def write(self, function: Callable[Concatenate[Transaction, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a transaction function, as the application would."""
        return await self.process.write(function, *args, **kwargs)

    async def start(self, pipeline: Pipeline[In], payload: In) -> UUID:
        """Start a run in a transaction of its own."""
        return await self.process.write(start, pipeline, payload)

    async def advance(self, by: timedelta) -> None:
        """Move the clock, and do what becomes due on the way: schedules fire each at its time."""
        end = self.clock.now() + by
        while (wait := await self.process.ticker.fire_due()) is not None and self.clock.now() + wait <= end:
            self.clock.advance(wait)
            await self._settle()
        self.clock.advance(max(end - self.clock.now(), timedelta(0)))
        await self._settle()

    async def _settle(self) -> None:
        self.process.worker.look()
        await self.process.worker.settled()

    async def run_to_the_end(self) -> None:
        """Carry on until every run has ended, moving the clock to whatever is due next."""
        for _ in range(MOST_ROUNDS):
            await self._settle()
            due = self._read(browsing.next_due)
            if due is None:
                return
            self.clock.advance(max(due - self.clock.now(), timedelta(0)) + timedelta(milliseconds=5))
        raise NeverEndingError("A run is still open: is its pipeline one of this rehearsal's?")

    def run(self, run_id: UUID) -> browsing.RunRecord:
        """What the journal says of the run now. Raises `UnknownRun`."""
        found = self._read(lambda session: browsing.find(session, run_id))
        if found is None:
            raise UnknownRun(str(run_id))
        return found

    def _read(self, question: Callable[[ReadSession], R]) -> R:
        with ReadSession(self.process.readers) as session:
            return question(session)


@asynccontextmanager
async def rehearsal(
    pipelines: Iterable[Pipeline[Any]],
    *,
    provide: Mapping[Any, object] | None = None,
    database_url: str | None = None,
    clock: VirtualClock | None = None,
    **options: Any,
) -> AsyncIterator[Rehearsal]:
    """Put on a process for a test; on an SQLite file of its own, or on a database that is given. Tables are created."""
    with tempfile.TemporaryDirectory() as folder:
        url = database_url or f"sqlite:///{Path(folder) / 'rehearsal.db'}"
        create_tables(url)
        clock = clock or VirtualClock()
        process = Process(url, pipelines, provide=provide, clock=clock, **options)
        await process.start(sweeping=False)
        try:
            yield Rehearsal(process, clock)
        finally:
            await process.stop()


async def run_to_the_end(
    pipeline: Pipeline[In], payload: In, *, provide: Mapping[Any, object] | None = None, database_url: str | None = None
) -> browsing.RunRecord:
    """Run one pipeline for one input, retries and undo included, and say how it went."""
    async with rehearsal([pipeline], provide=provide, database_url=database_url) as stage:
        run_id = await stage.start(pipeline, payload)
        await stage.run_to_the_end()
        return stage.run(run_id)


def create_tables(database_url: str) -> None:
    """All tables that have been imported, without a migration."""
    engine = open_for_writing(database_url)
    try:
        SQLModel.metadata.create_all(engine)
    finally:
        engine.dispose()
