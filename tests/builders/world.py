"""Effects that a test can count: rows of our own database, and calls to an outside that remembers them."""

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from typing import Any, NamedTuple
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import Column, Integer, MetaData, String, Table, insert, select, text
from sqlmodel import SQLModel

from pipelines import Pipeline, ReadSession, RunRecord, StepContext, Transaction
from pipelines.events import Event
from pipelines.journal import open_for_reading, open_for_writing
from pipelines.journal.tables import runs
from pipelines.testing import Rehearsal, create_tables, fresh_file, rehearsal

metadata = MetaData()  # of its own: what migrations are compared with must not know it
_UPDATES = text("SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'runs'")
effects = Table("effects", metadata, Column("id", Integer, primary_key=True), Column("what", String(200)))


class Trip(BaseModel):
    """What the pipelines of these tests are for."""

    to: str = "Oslo"


class Call(NamedTuple):
    """One call to the outside."""

    what: str
    key: str


class Gate:
    """Keeps a caller until the test opens it."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.opened = asyncio.Event()


class World:
    """The outside: remembers each call and its key, and fails or keeps its callers as the test says."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.broken_off: list[str] = []
        self._errors: defaultdict[str, deque[Exception]] = defaultdict(deque)
        self._gates: dict[str, Gate] = {}

    @property
    def heard(self) -> list[str]:
        return [call.what for call in self.calls]

    def keys(self, what: str) -> set[str]:
        return {call.key for call in self.calls if call.what == what}

    def fails(self, what: str, *errors: Exception) -> None:
        """The next calls of this end with these errors, one each."""
        self._errors[what].extend(errors)

    def holds(self, what: str) -> Gate:
        """Callers wait until the gate is opened."""
        return self._gates.setdefault(what, Gate())

    async def call(self, what: str, step: StepContext) -> None:
        self.calls.append(Call(what, step.idempotency_key))
        if gate := self._gates.get(what):
            gate.reached.set()
            try:
                await gate.opened.wait()
            except asyncio.CancelledError:
                self.broken_off.append(what)
                raise
        if self._errors[what]:
            raise self._errors[what].popleft()


def note(tx: Transaction, what: str) -> None:
    """An effect on our own database."""
    tx.execute(insert(effects).values(what=what))


def noted(database_url: str) -> list[str]:
    """The effects that have been committed, in their order."""
    engine = open_for_writing(database_url)
    try:
        with engine.connect() as connection:
            return list(connection.execute(select(effects.c.what).order_by(effects.c.id)).scalars())
    finally:
        engine.dispose()


async def hot_updates(database_url: str, *, of: int) -> int:
    """How many of so many updates of runs left their indexes alone. A backend tells its counts when it has ended."""
    engine = open_for_reading(database_url)
    async with asyncio.timeout(60):
        while True:
            with engine.connect() as connection:
                told, hot = connection.execute(_UPDATES).one()
            if told == of:
                engine.dispose()
                return int(hot)
            await asyncio.sleep(0.05)


@asynccontextmanager
async def staged(
    database_url: str,
    pipelines: Sequence[Pipeline[Any]],
    world: World | None = None,
    *,
    events: list[Event] | None = None,
    **options: Any,
) -> AsyncIterator[Rehearsal]:
    """A rehearsal whose steps reach the world and note effects."""
    with_effects(database_url)
    heard = [] if events is None else [events.append]
    provide = {World: world or World()}
    async with rehearsal(pipelines, provide=provide, database_url=database_url, subscribers=heard, **options) as stage:
        yield stage


async def played(database_url: str, pipeline: Pipeline[Any], world: World | None = None, **options: Any) -> RunRecord:
    """Run the pipeline once, to the end, and say how it went."""
    async with staged(database_url, [pipeline], world, **options) as stage:
        run_id = await stage.start(pipeline, Trip())
        await stage.run_to_the_end()
        return stage.run(run_id)


def told(run: RunRecord) -> list[str]:
    """The run's attempts in short."""
    return [f"{each.direction} {each.step}: {each.outcome}" for each in run.attempts]


def journal_row(stage: Rehearsal, run_id: UUID) -> Any:
    """The run as it stands in the table, owner and fence included."""
    with ReadSession(stage.process.readers) as session:
        return session.execute(select(runs).where(runs.c.id == run_id)).one()


@contextmanager
def fresh_life() -> Iterator[str]:
    """For the crash matrix: a file of its own for each life."""
    with fresh_file() as url:
        yield with_effects(url)


def emptied(database_url: str) -> Callable[[], AbstractContextManager[str]]:
    """For the crash matrix: the same database for all lives, without rows. Quicker than to make one for each."""

    @contextmanager
    def again() -> Iterator[str]:
        engine = open_for_writing(with_effects(database_url))
        with engine.begin() as connection:
            for table in (*reversed(SQLModel.metadata.sorted_tables), effects):
                connection.execute(table.delete())
        engine.dispose()
        yield database_url

    return again


def with_effects(database_url: str) -> str:
    """All tables, and the one for effects."""
    create_tables(database_url)
    engine = open_for_writing(database_url)
    metadata.create_all(engine)
    engine.dispose()
    return database_url
