"""A process in the hands of a test: it does what the test says, when the test says it."""

import tempfile
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, nullcontext
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar
from uuid import UUID

from pipelines.errors import PipelinesError, UnknownRun
from pipelines.journal import browsing, claiming, start, suspects
from pipelines.journal.browsing import RunRecord
from pipelines.pipeline import Pipeline
from pipelines.process import Process
from pipelines.testing.clock import VirtualClock
from pipelines.testing.creating import create_tables
from pipelines.transaction import ReadSession, Transaction

In = TypeVar("In")
P = ParamSpec("P")
R = TypeVar("R")

MOST_ROUNDS = 1000
A_LITTLE = timedelta(milliseconds=5)  # so that what is due is past, by the database's clock too
IN_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of its own is made in it


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

    async def start(self, pipeline: Pipeline[In], payload: In, **options: Any) -> UUID:
        """Start a run in a transaction of its own; `options` are those of `pipelines.start`."""
        return await self.process.write(partial(start, **options), pipeline, payload)

    async def run_until_waiting(self) -> None:
        """Carry on until each run has ended or waits, for its time or for somebody else. The clock stands.

        Raises what a claim or a run has died of, if it is neither a step's failure nor the journal's.
        """
        await self._carry_on()

    async def advance(self, by: timedelta) -> None:
        """Move the clock, and do what becomes due on the way: schedules fire and runs go on, each at its time."""
        end = self.clock.now() + by
        while (wait := await self._next_wait()) is not None and self.clock.now() + wait <= end:
            self.clock.advance(wait)
        self.clock.advance(max(end - self.clock.now(), timedelta(0)))
        await self._next_wait()

    async def run_to_the_end(self) -> None:
        """Carry on until every run has ended, moving the clock to whatever is due next.

        Raises `NeverEndingError` when a run is left that this process cannot take, or that is tried for ever, and
        whatever `run_until_waiting` raises.
        """
        for _ in range(MOST_ROUNDS):
            if not await self._carry_on():
                raise NeverEndingError(f"It is due, and a claim does not take it: {self._left()}.")
            if (wait := self._until_next_due()) is not None:
                self.clock.advance(wait)
            elif not self.read(self._is_any_due):  # it may have become so meanwhile
                return self._see_that_none_is_left()
        raise NeverEndingError(f"After {MOST_ROUNDS} waits there is still: {self._left()}.")

    def run(self, run_id: UUID) -> RunRecord:
        """What the journal says of the run now. Raises `UnknownRun`."""
        found = self.read(lambda session: browsing.find(session, run_id))
        if found is None:
            raise UnknownRun(str(run_id))
        return found

    def runs(self, pipeline: Pipeline[Any] | None = None) -> list[RunRecord]:
        """All runs, or those of one pipeline, oldest first."""
        found = [self.run(run_id) for run_id in self.read(browsing.all_ids)]
        return [run for run in found if pipeline is None or run.pipeline == pipeline.name]

    def attempts_of(self, run_id: UUID) -> list[str]:
        """The run's attempts in short, in their order: `do pay: retry`, `do pay: success`, `undo pay: success`."""
        return [f"{each.direction} {each.step}: {each.outcome}" for each in self.run(run_id).attempts]

    def read(self, question: Callable[[ReadSession], R]) -> R:
        """Ask the database something."""
        with ReadSession(self.process.readers) as session:
            return question(session)

    async def _carry_on(self) -> bool:
        """Whether all that is due could be taken."""
        await self.process.worker.settled()
        while self.read(self._is_any_due):
            before = self.read(browsing.left_alone)
            self.process.worker.look_for_suspects()
            await self.process.worker.settled()
            if self.read(browsing.left_alone) == before:
                return False
        return True

    async def _next_wait(self) -> timedelta | None:
        """Do what is due, and say how long nothing else will be."""
        tick = await self.process.ticker.fire_due()
        await self.run_until_waiting()
        return min((wait for wait in (tick, self._until_next_due()) if wait is not None), default=None)

    def _until_next_due(self) -> timedelta | None:
        due = self.read(lambda session: browsing.next_due(session, self.clock.skew_seconds))
        return max(due - self.clock.now(), timedelta(0)) + A_LITTLE if due is not None else None

    def _is_any_due(self, session: ReadSession) -> bool:
        asked = session, self.process.worker.claimable, self.clock.skew_seconds
        return claiming.is_any_due(*asked) or suspects.is_any_due(*asked)

    def _see_that_none_is_left(self) -> None:
        if left := self._left():
            raise NeverEndingError(
                f"Nobody here takes {left}. Is its pipeline, in this version, one of the rehearsal's, or is it paused?"
            )

    def _left(self) -> str:
        return "; ".join(self.read(browsing.left_alone))


@contextmanager
def fresh_file() -> Iterator[str]:
    """The URL of an SQLite file that nobody else knows, in memory where that can be: no test pulls the plug."""
    with tempfile.TemporaryDirectory(dir=IN_MEMORY if IN_MEMORY.is_dir() else None) as folder:
        yield f"sqlite:///{Path(folder) / 'rehearsal.db'}"


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
    with fresh_file() if database_url is None else nullcontext(database_url) as url:
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
) -> RunRecord:
    """Run one pipeline for one input, retries and undo included, and say how it went."""
    async with rehearsal([pipeline], provide=provide, database_url=database_url) as stage:
        run_id = await stage.start(pipeline, payload)
        await stage.run_to_the_end()
        return stage.run(run_id)
