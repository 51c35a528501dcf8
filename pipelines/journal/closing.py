"""A SQLite journal that moves is closed before its first row is copied: no process of any release enters it again.

Every process adds its row to `processes` before anything else, and has done so in every release: a trigger refuses it.
The mark is of the file, not of the schema: no migration makes it, and none takes it away.
"""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import Column, Connection, Engine, MetaData, Table, Text, Uuid, delete, insert, inspect, select, update
from sqlmodel import UTCDateTime

from pipelines.errors import JournalMoved

MARK = Table(
    "journal_move",
    MetaData(),  # of its own: it is no part of the schema
    Column("id", Uuid, primary_key=True),
    Column("source", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("began_at", UTCDateTime(), nullable=False),
    Column("arrived_at", UTCDateTime(), nullable=True),
)
_TRIGGER = "journal_is_closed"


@dataclass(frozen=True, slots=True)
class Closing:
    """The mark of a move: which one it is, where it goes, and whether all has arrived there."""

    id: UUID
    source: str
    target: str
    began_at: datetime
    arrived_at: datetime | None = None


def closing_of(connection: Connection) -> Closing | None:
    """The mark that this journal bears; none if it may be served."""
    if connection.dialect.name != "sqlite":
        return None
    if not inspect(connection).has_table(MARK.name):
        return None
    row = connection.execute(select(MARK)).mappings().one_or_none()
    return Closing(**row) if row is not None else None


def close(engine: Engine, closing: Closing) -> None:
    """Nobody enters this journal from here on. Only for whoever holds its lock: those inside are not sent out."""
    said = f"This journal moves to {closing.target}, or has moved there".replace("'", "''")
    with engine.begin() as connection:
        MARK.create(connection)
        connection.execute(insert(MARK), asdict(closing))
        connection.exec_driver_sql(
            f"CREATE TRIGGER {_TRIGGER} BEFORE INSERT ON processes BEGIN SELECT RAISE(ABORT, '{said}'); END"
        )


def confirm(engine: Engine) -> None:
    """All has arrived: the journal stays closed for good."""
    with engine.begin() as connection:
        connection.execute(update(MARK).where(MARK.c.arrived_at.is_(None)).values(arrived_at=datetime.now(UTC)))


def reopen(engine: Engine) -> None:
    """Take the mark away: it may be served again."""
    with engine.begin() as connection:
        connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {_TRIGGER}")
        connection.execute(delete(MARK))
        MARK.drop(connection)


def refuse_if_closed(connection: Connection) -> None:
    """Raise `JournalMoved` when nobody may serve from here any more."""
    if (closing := closing_of(connection)) is not None:
        raise JournalMoved(closing.target, has_arrived=closing.arrived_at is not None)
