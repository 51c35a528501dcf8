"""The rows of all tables, from one database into another: streamed, counted, and compared by what was read of them."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from sqlalchemy import Connection, Integer, LargeBinary, Row, Table, func, inspect, select, text
from sqlalchemy.exc import DBAPIError

from pipelines.errors import NotMoved
from pipelines.journal.fitting import as_stored, faults_of, plain, refuse_unfit, refuse_unreadable

_AT_ONCE = 1000  # rows in memory
_AT_ONCE_WITH_BYTES = 8  # pieces of files, a megabyte each perhaps
_MODULUS = 1 << 128

Bind = Callable[[Any], Any]


@dataclass(slots=True)
class Tally:
    """How many rows, and what they say, whatever their order: two databases sort texts each in its own way."""

    rows: int = 0
    sum: int = 0

    def add(self, row: Row[Any]) -> None:
        self.rows += 1
        said = repr(tuple(row)).encode("utf-8", "backslashreplace")
        self.sum = (self.sum + int.from_bytes(blake2b(said, digest_size=16).digest())) % _MODULUS


def stream(connection: Connection, table: Table) -> Iterator[Row[Any]]:
    """All rows as the service would read them; few at once are in memory."""
    has_bytes = any(isinstance(plain(column.type), LargeBinary) for column in table.columns)
    at_once = _AT_ONCE_WITH_BYTES if has_bytes else _AT_ONCE
    statement = select(*(as_stored(column) for column in table.columns))
    yield from connection.execute(statement, execution_options={"yield_per": at_once})


def examine(connection: Connection, table: Table) -> Tally:
    """Read all of it. Raises `NotMoved`, with its name, for a row that PostgreSQL would not take."""
    tally, faults = Tally(), faults_of(table)
    try:
        for row in stream(connection, table):
            refuse_unfit(table, faults, row)
            tally.add(row)
    except NotMoved:
        raise
    except Exception as error:  # noqa: BLE001 - whatever a column's type says of a value that is none
        refuse_unreadable(connection, table, error)
    return tally


def tally_of(connection: Connection, table: Table) -> Tally:
    """What is there, read anew."""
    tally = Tally()
    for row in stream(connection, table):
        tally.add(row)
    return tally


def copy(target: Connection, table: Table, rows: Iterable[Row[Any]]) -> None:
    """Write the rows by COPY: PostgreSQL's own way for many, past SQLAlchemy, and in the same transaction."""
    from psycopg import Error, sql  # noqa: PLC0415 - an extra, without which nothing is moved

    names = sql.SQL(", ").join(sql.Identifier(column.name) for column in table.columns)
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table.name), names)
    binds = [_bind_of(target, column.type) for column in map(as_stored, table.columns)]
    raw = target.connection.driver_connection
    assert raw is not None  # noqa: S101 - it is open
    try:
        with raw.cursor() as cursor, cursor.copy(statement) as stdin:
            for row in rows:
                stdin.write_row([bind(value) if bind else value for bind, value in zip(binds, row, strict=True)])
    except Error as error:
        lost = target.dialect.is_disconnect(error, raw, None)  # type: ignore[arg-type] # psycopg's errors are DBAPI's
        raise DBAPIError.instance("COPY", None, error, Error, connection_invalidated=lost) from error


def _bind_of(target: Connection, kind: Any) -> Bind | None:
    processor: Bind | None = kind.dialect_impl(target.dialect).bind_processor(target.dialect)
    return processor


_BEHIND = "SELECT setval(pg_get_serial_sequence(:name, :column), :highest)"


def set_sequences(target: Connection, table: Table) -> None:
    """A number that the database gives comes after all that were copied."""
    column = table.autoincrement_column
    if column is None or not isinstance(plain(column.type), Integer):
        return
    highest = target.scalar(select(func.max(column)))
    if highest is not None:
        target.execute(text(_BEHIND), {"name": table.name, "column": column.name, "highest": highest})


def filled(connection: Connection, tables: Iterable[Table]) -> list[str]:
    """The tables in which there is something."""
    there = set(inspect(connection).get_table_names())
    return [
        table.name
        for table in tables
        if table.name in there and connection.execute(select(1).select_from(table).limit(1)).first() is not None
    ]
