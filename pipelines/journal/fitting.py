"""What SQLite keeps and PostgreSQL refuses, by the column that it is in: found before anything is written.

SQLite measures neither texts nor numbers, takes NUL characters, and lets a column hold what is of another type.
"""

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, NoReturn

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Connection,
    Enum,
    Integer,
    LargeBinary,
    Row,
    SmallInteger,
    String,
    Table,
    Text,
    cast,
    select,
    type_coerce,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import NullType, TypeDecorator, TypeEngine

from pipelines.errors import NotMoved

Fault = Callable[[Any], str | None]
"""What is wrong with a value of one column; None if nothing is."""

_BITS = {SmallInteger: 15, BigInteger: 63, Integer: 31}  # in this order: the first two are integers too
_SHOWN = 40  # characters of a key


def faults_of(table: Table) -> list[tuple[int, Fault]]:
    """The columns that may hold what does not fit, by their place, and how to find it out."""
    judged = [(place, _fault_of(column)) for place, column in enumerate(table.columns)]
    return [(place, fault) for place, fault in judged if fault is not None]


def refuse_unfit(table: Table, faults: Sequence[tuple[int, Fault]], row: Row[Any]) -> None:
    """Raise `NotMoved` with the name of the row and of the column."""
    for place, fault in faults:
        value = row[place]
        if value is not None and (what := fault(value)) is not None:
            raise NotMoved(f"{_named(table, row)}: {table.columns[place].name} {what}.")


def refuse_unreadable(connection: Connection, table: Table, error: Exception) -> NoReturn:
    """Raise `NotMoved` for the row that could not be read; it is looked for value by value."""
    key = [_raw(column) for column in table.primary_key]
    for column in table.columns:
        try:
            for _ in connection.execution_options(yield_per=1000).execute(select(column)):
                pass
        except DBAPIError:
            _refuse_undecodable(connection, table, column)
        except Exception:  # noqa: BLE001 - whatever its type says of a value that is none
            for row in connection.execute(select(*key, type_coerce(column, NullType))):
                _try_to_read(connection, table, column, row)
    raise NotMoved(f"{table.name} cannot be read: {type(error).__name__}.") from error


def _try_to_read(connection: Connection, table: Table, column: Column[Any], row: Any) -> None:
    read = column.type.dialect_impl(connection.dialect).result_processor(connection.dialect, None)
    try:
        if read is not None and row[-1] is not None:
            read(row[-1])
    except Exception as error:
        raise NotMoved(f"{_named(table, row)}: {column.name} is no {column.type!r}.") from error


def _refuse_undecodable(connection: Connection, table: Table, column: Column[Any]) -> None:
    """SQLite takes any bytes for a text, and its driver quotes what is none."""
    row: Any
    key = [_raw(each) for each in table.primary_key]
    with suppress(DBAPIError):  # it is the key itself
        for row in connection.execute(select(*key, cast(column, LargeBinary))):
            try:
                (row[-1] or b"").decode()
            except UnicodeDecodeError:
                raise NotMoved(f"{_named(table, row)}: {column.name} is a text that is not UTF-8.") from None


def _raw(column: Column[Any]) -> Any:
    return type_coerce(column, NullType).label(column.name)


def _named(table: Table, row: Row[Any]) -> str:
    """By its key, as the database has it; keys hold no secrets."""
    values = row._mapping  # noqa: SLF001 - how SQLAlchemy spells it
    told = ", ".join(f"{column.name} {str(values[column.name])[:_SHOWN]!a}" for column in table.primary_key)
    return f"The row of {table.name} with {told}"


def _fault_of(column: Column[Any]) -> Fault | None:
    kind = plain(column.type)
    if isinstance(kind, JSON):
        return _json_fault
    if isinstance(kind, String) and not isinstance(kind, Enum):  # to read one is to judge it
        return _text_fault(kind.length)
    if isinstance(kind, Integer):
        return _integer_fault(next(bits for each, bits in _BITS.items() if isinstance(kind, each)))
    return _bytes_fault if isinstance(kind, LargeBinary) else None


def _text_fault(length: int | None) -> Fault:
    def fault(value: Any) -> str | None:
        if not isinstance(value, str):
            return f"is no text but {type(value).__name__}"
        if "\0" in value:
            return "has a NUL character, which PostgreSQL does not take"
        if length is not None and len(value) > length:
            return f"has {len(value)} characters, and there is room for {length}"
        return None

    return fault


def _integer_fault(bits: int) -> Fault:
    def fault(value: Any) -> str | None:
        if not isinstance(value, int):
            return f"is no whole number but {type(value).__name__}"
        return None if -(1 << bits) <= value < (1 << bits) else f"is a number of more than {bits + 1} bits"

    return fault


def _json_fault(value: Any) -> str | None:
    """Read as text, so that it arrives as it was written."""
    try:
        json.loads(value, parse_constant=_refuse)
    except (ValueError, TypeError, RecursionError):
        return "is no JSON that PostgreSQL takes"
    return None


def _bytes_fault(value: Any) -> str | None:
    return None if isinstance(value, bytes) else f"is no bytes but {type(value).__name__}"


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def as_stored(column: Column[Any]) -> Any:
    """What to select of a column: its value, but JSON as the text that was written, byte for byte."""
    return cast(column, Text).label(column.name) if isinstance(plain(column.type), JSON) else column


def plain(kind: TypeEngine[Any]) -> TypeEngine[Any]:
    """What a decorated type is underneath."""
    return plain(kind.impl_instance) if isinstance(kind, TypeDecorator) else kind
