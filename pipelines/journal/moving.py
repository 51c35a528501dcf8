"""Moves a journal from SQLite to PostgreSQL between two steps: all that is there, in one COMMIT, or nothing.

The file is closed before the first row is copied, and stays so unless it is certain that nothing has arrived. So at no
moment, whoever dies, may the same runs be carried on in both places; and the same move may be begun again at any time.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import URL, Connection, Engine, Row, Table
from sqlalchemy.exc import DBAPIError
from uuid_utils.compat import uuid7

from pipelines.errors import NotMoved, OutcomeUnknown
from pipelines.journal import arriving, closing
from pipelines.journal.closing import Closing
from pipelines.journal.copying import Tally, copy, examine, set_sequences, stream, tally_of
from pipelines.journal.dialects import open_for_reading, open_for_receiving, open_for_writing, parse_url
from pipelines.journal.lock import lock_of
from pipelines.journal.reaping import Reaped
from pipelines.transaction import Transaction

_EVERY = 10_000  # rows between two words about a long table


@dataclass(frozen=True, slots=True)
class Came:
    """How far a move has come: what it has done, to which table, and how many of its rows there are."""

    to: str
    table: str | None = None
    rows: int = 0
    of: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What has arrived. `rows` are empty when an earlier try had brought it all."""

    id: UUID
    target: str
    rows: dict[str, int] = field(default_factory=dict)
    freed: int = 0
    quarantined: int = 0


Told = Callable[[Came], None]


@contextmanager
def moving(source_url: str, target_url: str, tables: Sequence[Table], tell: Told = lambda _: None) -> Iterator["Move"]:
    """A move that has the lock of the file, so that nobody serves from it meanwhile. Raises `AlreadyServed`.

    `tables` are all that there are, each after those that it refers to.
    """
    source, target = parse_url(source_url), parse_url(target_url)
    refuse_ends(source, target)
    lock = lock_of(source)
    assert lock is not None  # noqa: S101 - it is a file
    with ExitStack() as owned:
        lock.acquire()
        owned.callback(lock.release)
        file, receiver = open_for_writing(source_url), open_for_receiving(target_url)
        readers = open_for_reading(source_url, connections=1)
        for engine in (file, receiver, readers):
            owned.callback(engine.dispose)
        rows = owned.enter_context(readers.connect())
        rows.exec_driver_sql("BEGIN")  # one moment of it from first to last, should a tool write beside us
        yield Move(rows, file, receiver, tables, tell, spoken(source), spoken(target))


def refuse_ends(source: URL, target: URL) -> None:
    """Raises `NotMoved` unless the way is from a file that is there to PostgreSQL."""
    ways = {
        ("postgresql", "sqlite"): "There is no way from PostgreSQL to SQLite: what is gone from there must be known.",
        ("postgresql", "postgresql"): "From one PostgreSQL to another goes pg_dump, or replication.",
        ("sqlite", "sqlite"): "From one SQLite file to another goes `cp`, while nobody serves from it.",
    }
    way = source.get_backend_name(), target.get_backend_name()
    if way != ("sqlite", "postgresql"):
        raise NotMoved(f"A journal moves from sqlite:///... to postgresql://... {ways.get(way, '')}".strip())
    if not Path(str(source.database)).is_file():  # before its lock, which would make its folder
        raise NotMoved(f"There is no database {source.database}.")


@dataclass(slots=True)
class Move:
    """One move. `examine` first, which writes nothing, and then `carry`.

    Both raise `NotMoved`, or what the database says, when nothing has moved: then all is as it was.
    """

    rows: Connection
    file: Engine
    receiver: Engine
    tables: Sequence[Table]
    tell: Told
    source: str
    target: str
    begun: Closing | None = None
    is_there: bool = False
    tallies: dict[str, Tally] = field(default_factory=dict)
    _reaped: Reaped = Reaped()  # noqa: RUF009 - it is frozen
    _is_sent: bool = False

    def examine(self) -> None:
        """Read all that is to move, and see that the target takes it. Raises `NotMoved` with the reason."""
        self.begun = closing.closing_of(self.rows)
        with self.receiver.connect() as connection:
            self.is_there = self.begun is not None and arriving.has_arrived(connection, self.begun.id)
            if self.is_there:
                return
            if self.begun is not None:
                _refuse_other_way(self.begun, self.target)
            arriving.refuse_filled(connection, self.tables)
        _refuse_damaged(self.rows)
        for table in self.tables:
            tally = self.tallies[table.name] = examine(self.rows, table)
            self.tell(Came("examined", table.name, tally.rows, tally.rows))

    def carry(self, actor: str, on_arrival: Callable[[Transaction], None] = lambda _: None) -> Moved:
        """Close the file, copy, compare, COMMIT. `on_arrival` may write into the same transaction.

        Raises `OutcomeUnknown` when nobody can say whether it has arrived, or the file does not take the note that it
        has: it is closed then, until the same move is made again.
        """
        begun = self.begun or Closing(uuid7(), self.source, self.target, datetime.now(UTC))
        moved = Moved(id=begun.id, target=self.target) if self.is_there else self._bring(begun, actor, on_arrival)
        try:
            closing.confirm(self.file)
        except DBAPIError as error:
            raise OutcomeUnknown(
                f"All is in {self.target}, but the file does not take that note. It stays closed: repeat the move."
            ) from error
        self.tell(Came("confirmed"))
        return moved

    def _bring(self, begun: Closing, actor: str, on_arrival: Callable[[Transaction], None]) -> Moved:
        if self.begun is None:
            closing.close(self.file, begun)
        self.tell(Came("closed"))
        try:
            self._fill(begun, actor, on_arrival)
        except BaseException:  # also Ctrl-C, which may have cut off the answer to COMMIT
            may_be_there = self._is_sent or self.begun is not None  # the try before may have died in its COMMIT
            if not (may_be_there and arriving.find_out(self.receiver, begun.id)):
                closing.reopen(self.file)
                raise
        if not self._is_sent:
            return Moved(id=begun.id, target=self.target)
        rows = {name: tally.rows for name, tally in self.tallies.items()}
        freed = self._reaped
        return Moved(id=begun.id, target=self.target, rows=rows, freed=freed.runs, quarantined=freed.quarantined)

    def _fill(self, begun: Closing, actor: str, on_arrival: Callable[[Transaction], None]) -> None:
        with arriving.receiving(self.receiver, begun.id, self.tables) as tx:
            for table in self.tables:
                copy(tx.core, table, self._counted(table))
                set_sequences(tx.core, table)
            self._compare(tx.core)
            self._reaped = arriving.free(tx)
            arriving.sign(tx, actor, {"from": self.source})
            on_arrival(tx)
            self.tell(Came("compared"))
            self._is_sent = True
            arriving.settle(tx)
        self.tell(Came("committed"))

    def _counted(self, table: Table) -> Iterator[Row[Any]]:
        total = self.tallies[table.name].rows
        for number, row in enumerate(stream(self.rows, table)):
            if number % _EVERY == 0:
                self.tell(Came("copying", table.name, number, total))
            yield row
        self.tell(Came("copied", table.name, total, total))

    def _compare(self, target: Connection) -> None:
        """Read anew what the target has, and hold it against what was read of the file before."""
        for table in self.tables:
            here, there = self.tallies[table.name], tally_of(target, table)
            if here != there:
                raise NotMoved(f"{table.name}: {there.rows} rows have arrived of {here.rows}, or say something else.")
            target.exec_driver_sql(f"ANALYZE {table.name}")  # else the first plans would be made for empty tables


def _refuse_other_way(begun: Closing, target: str) -> None:
    if begun.arrived_at is not None:
        raise NotMoved(f"This journal has moved to {begun.target} already, and {target} does not have it.")
    if begun.target != target:
        raise NotMoved(f"A move of this journal to {begun.target} is not finished: repeat that one, or give it up.")


def _refuse_damaged(rows: Connection) -> None:
    [said, *_] = rows.exec_driver_sql("PRAGMA quick_check(1)").scalars()
    if said != "ok":
        raise NotMoved(f"The file is damaged: {said}")
    if (orphan := rows.exec_driver_sql("PRAGMA foreign_key_check").first()) is not None:
        raise NotMoved(f"A row of {orphan[0]} refers to one of {orphan[2]} that is not there.")


def reopen(source_url: str, target_url: str | None, *, is_gone: bool) -> bool:
    """Give up a move: the file may be served again. Says whether it was closed.

    Raises `NotMoved` when the target has the journal, which must not be served twice. `is_gone` says that nobody will
    ever serve from the target, which then is not asked. `target_url` may add a password to what the file says.
    """
    source = parse_url(source_url)
    lock = lock_of(source)
    if lock is None:
        raise NotMoved("The file is what is reopened, where the journal was: sqlite:///...")
    if not Path(str(source.database)).is_file():
        raise NotMoved(f"There is no database {source.database}.")
    lock.acquire()
    file = open_for_writing(source_url)
    try:
        with file.connect() as connection:
            begun = closing.closing_of(connection)
        if begun is not None:
            if not is_gone:
                _refuse_served_twice(begun, target_url)
            closing.reopen(file)
        return begun is not None
    finally:
        file.dispose()
        lock.release()


def _refuse_served_twice(begun: Closing, target_url: str | None) -> None:
    if target_url is not None and spoken(parse_url(target_url)) != begun.target:
        raise NotMoved(f"The move went to {begun.target}, and not there.")
    engine = open_for_receiving(target_url or begun.target)
    try:
        if arriving.has_settled(engine, begun.id):
            raise NotMoved(f"{begun.target} has this journal: drop that database first, or serve from there.")
    finally:
        engine.dispose()


def spoken(url: URL) -> str:
    """The URL without what must not be told; enough to find the database again."""
    told = url.set(drivername=url.get_backend_name(), password=None)
    return told.set(query={"host": url.query["host"]} if "host" in url.query else {}).render_as_string()
