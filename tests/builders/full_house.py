"""Rows for every table that there is, made from its columns: a new table has some without being named here."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    Connection,
    DateTime,
    Enum,
    Integer,
    LargeBinary,
    String,
    Table,
    Uuid,
    insert,
    select,
)

from pipelines.journal.fitting import plain
from pipelines.run import RunState

ROWS = 3
_SPACE = UUID("0190c0de-0000-7000-8000-000000000000")
_SINCE = datetime(2026, 11, 28, 23, 59, 59, 999_999, tzinfo=UTC)
_WORDS = ("plain", "\\N tab\t line\n cr\r quote' \"back\\slash", "Zoë 漢字 🧵 \u202e")
_JSON: tuple[Any, ...] = ({}, {"b": 1, "a": [None, True, 1.5e300, "\\u0000 written out"]}, ["Zoë", {"deep": [[]]}])
_BYTES = (b"", bytes(range(256)), b"\\x00\\N\t\n" * 1000)

# What a move changes on its way: nothing may be owned by the living here.
_FIXED: Mapping[str, tuple[Any, ...]] = {
    "processes.state": ("dead",) * ROWS,
    "runs.owner": (None,) * ROWS,
    "runs.state": (RunState.READY, RunState.COMPLETED, RunState.FAILED),
    "stock.available": (0,) * ROWS,
    "stock.reserved": (0,) * ROWS,
    "stock.consumed": (0,) * ROWS,
}


def fill(connection: Connection, tables: list[Table]) -> None:
    """Three rows each: one with as little as may be, two with a bit of everything."""
    for table in tables:
        connection.execute(insert(table), [_row(table, number) for number in range(ROWS)])


def contents(connection: Connection, table: Table) -> list[tuple[Any, ...]]:
    """As the service would read them, in an order that no collation changes."""
    return sorted((tuple(row) for row in connection.execute(select(table))), key=repr)


def _row(table: Table, number: int) -> dict[str, Any]:
    return {column.name: _value(table, column, number) for column in table.columns}


def _value(table: Table, column: Column[Any], number: int) -> Any:
    if (fixed := _FIXED.get(str(column))) is not None:
        return fixed[number]
    for key in column.foreign_keys:
        return _value(key.column.table, key.column, number)
    if number == 0 and column.nullable:
        return None
    if allowed := _allowed(table, column.name):
        return allowed[number % len(allowed)]
    return _of_type(column, number)


def _of_type(column: Column[Any], number: int) -> Any:
    kind = plain(column.type)
    return next(make(kind, column, number) for each, make in _MAKERS.items() if isinstance(kind, each))


_MAKERS: Mapping[type[Any], Callable[[Any, Column[Any], int], Any]] = {
    Enum: lambda kind, _, number: kind.enum_class(kind.enums[number % len(kind.enums)]),  # before String, which it is
    String: lambda kind, _, number: f"{number}{_WORDS[number]}"[: kind.length],
    Uuid: lambda _, column, number: uuid5(_SPACE, f"{column}{number}"),
    DateTime: lambda _, __, number: _SINCE + timedelta(microseconds=number),
    Boolean: lambda _, __, number: bool(number % 2),
    JSON: lambda _, __, number: _JSON[number],
    LargeBinary: lambda _, __, number: _BYTES[number],
    Integer: lambda _, __, number: number + 1,
}


def _allowed(table: Table, name: str) -> list[str]:
    """The words that a constraint names."""
    for constraint in table.constraints:
        said = str(constraint.sqltext) if isinstance(constraint, CheckConstraint) else ""
        if found := re.fullmatch(rf"{name} IN \((.*)\)", said):
            return re.findall(r"'(\w+)'", found[1])
    return []
