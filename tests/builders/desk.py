"""A process whose batches a test puts together, and the two tables that their members write."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Connection, Engine, bindparam, insert, select, update
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel, col

from pipelines import Process, Transaction
from pipelines.events import BatchCommitted, Event
from pipelines.journal import open_for_reading, open_for_writing
from pipelines.testing import create_tables

PATIENCE_SECONDS = 20.0  # nothing in a test takes so long, unless it fails

Member = Callable[[Transaction], Any]


class Kept(SQLModel, registry=registry()):
    """Tables with metadata of their own: what migrations are compared with must not know them."""


class Note(Kept, table=True):
    """A row that somebody adds."""

    __table_args__ = (CheckConstraint("length(text) <= 20", name="ck_note_text"),)

    id: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    text: str = Field(default="", max_length=20)


class Shelf(Kept, table=True):
    """A row that many fight over."""

    __table_args__ = {"info": {"lock_rank": 30, "contended": True}}

    sku: str = Field(primary_key=True)
    available: int


TAKE = (
    update(Shelf)
    .where(col(Shelf.sku) == bindparam("of"), col(Shelf.available) >= bindparam("taken"))
    .values(available=col(Shelf.available) - bindparam("taken"))
)


class SoldOut(Exception):
    """What a member asks to be told when its row is not met."""


def adding(number: int, text: str = "") -> Member:
    """A member that adds a note, and returns its number."""

    def add(tx: Transaction) -> int:
        tx.add(Note(id=number, text=text))
        return number

    return add


def taking(*skus: str, as_number: int | None = None) -> Member:
    """A member that takes one of each, and notes that it has, all or nothing."""

    def take(tx: Transaction) -> int | None:
        for sku in skus:
            tx.defer(TAKE, {"of": sku, "taken": 1}, otherwise=SoldOut(sku))
        if as_number is not None:
            tx.add(Note(id=as_number, text=skus[0]))
        return as_number

    return take


class Desk:
    """A process and what it said; what is on disk is read by a connection that it knows nothing of."""

    def __init__(self, process: Process, database_url: str, events: list[Event]) -> None:
        self.process = process
        self.committer = process._committer
        self.events = events
        self._readers = open_for_reading(database_url)

    @property
    def batches(self) -> list[int]:
        """How many members each COMMIT had."""
        return [event.size for event in self.events if isinstance(event, BatchCommitted)]

    @asynccontextmanager
    async def busy(self) -> AsyncIterator[None]:
        """The committer is kept inside a batch: what is handed in meanwhile will be the next one."""
        reached, released = threading.Event(), threading.Event()

        def linger(_: Transaction) -> None:
            reached.set()
            assert released.wait(PATIENCE_SECONDS)

        lingering = asyncio.create_task(self.committer.progress(linger))
        await asyncio.to_thread(reached.wait, PATIENCE_SECONDS)
        try:
            yield
        finally:
            released.set()
            await lingering

    async def hand_in(self, *members: Member, progress: bool = False) -> list[asyncio.Task[Any]]:
        """Return once all of them are in the queue, in this order."""
        write = self.committer.progress if progress else self.committer.write
        tasks = [asyncio.create_task(write(member)) for member in members]
        await asyncio.sleep(0)  # each runs up to where it waits for its answer
        return tasks

    async def in_one_batch(self, *members: Member, progress: bool = False) -> list[Any]:
        """What each caller got, its result or its error."""
        async with self.busy():
            self.events.clear()
            tasks = await self.hand_in(*members, progress=progress)
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        self.events.pop(0)  # of the batch that kept the committer busy
        return answers

    def notes(self) -> list[int]:
        """The numbers that have been committed."""
        with self._readers.connect() as connection:
            return list(connection.execute(select(col(Note.id)).order_by(col(Note.id))).scalars())

    def available(self, sku: str) -> int:
        with self._readers.connect() as connection:
            return connection.execute(select(col(Shelf.available)).where(col(Shelf.sku) == sku)).scalar_one()

    def close(self) -> None:
        self._readers.dispose()


def make_tables(database_url: str) -> None:
    """The journal's tables, and ours."""
    create_tables(database_url)
    from_outside(database_url, Kept.metadata.create_all)


def stock(database_url: str, counts: Mapping[str, int]) -> None:
    """So many of each are on the shelf."""
    rows = [{"sku": sku, "available": count} for sku, count in counts.items()]
    from_outside(database_url, lambda connection: connection.execute(insert(Shelf), rows))


def from_outside(database_url: str, act: Callable[[Connection], Any]) -> None:
    """Somebody else does this, in a transaction of his own."""
    engine = open_for_writing(database_url)
    try:
        with engine.begin() as connection:
            act(connection)
    finally:
        engine.dispose()


@asynccontextmanager
async def open_desk(
    database_url: str,
    *,
    stored_at: str | None = None,
    prepare: Callable[[Engine], object] | None = None,
    **options: Any,
) -> AsyncIterator[Desk]:
    """A started process on tables that are there.

    `stored_at` is the way to its database that has no faults; `prepare` may spoil the engine that it writes by.
    """
    events: list[Event] = []
    process = Process(database_url, subscribers=[events.append], **options)
    if prepare is not None:
        prepare(process._writers)
    await process.start(sweeping=False)
    desk = Desk(process, stored_at or database_url, events)
    try:
        yield desk
    finally:
        await process.stop()
        desk.close()
