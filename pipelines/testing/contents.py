"""What a database holds, as it can be compared with another that has been through the same."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Connection,
    DateTime,
    Inspector,
    Integer,
    Table,
    Uuid,
    column,
    inspect,
    literal,
    select,
    table,
    text,
    union_all,
)
from sqlalchemy.types import TypeEngine

from pipelines.journal import tables
from pipelines.transaction import ReadSession

OF_THE_JOURNAL = frozenset(
    each.name for each in vars(tables).values() if isinstance(each, Table)
)  # and what migrations keep
_OF_TOOLS = {"alembic_version"}

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Contents:
    """The rows of all tables but the journal's own, without what no two databases have in common."""

    rows: Mapping[str, tuple[Row, ...]]

    def without(self, volatile: Iterable[tuple[str, str]]) -> "Contents":
        """The same rows, without these columns."""
        dropped = set(volatile)
        return Contents(
            {
                table: tuple({name: row[name] for name in row if (table, name) not in dropped} for row in rows)
                for table, rows in self.rows.items()
            }
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Contents) and self.counted() == other.counted()

    def __hash__(self) -> int:
        return hash(tuple(self.rows))

    def counted(self) -> dict[str, Counter[str]]:
        return {table: Counter(map(_told, rows)) for table, rows in self.rows.items()}

    def told_against(self, other: "Contents") -> list[str]:
        """In which tables they differ: what is here, by row, and not there, and how many rows there are."""
        mine, others = self.counted(), other.counted()
        return [
            f"{table}: {_rows(len(self.rows.get(table, ())))}{_beside(mine.get(table), others.get(table))}"
            for table in sorted(mine.keys() | others.keys())
            if mine.get(table) != others.get(table)
        ]


def contents(session: ReadSession) -> Contents:
    """What the database holds, but for times and ids, which nobody can foretell."""
    connection = session.connection()
    found = inspect(connection)
    names = sorted(set(found.get_table_names()) - OF_THE_JOURNAL - _OF_TOOLS)
    filled = _filled(connection, names)
    return Contents({name: _rows_in(connection, found, name) if name in filled else () for name in names})


def _filled(connection: Connection, names: Sequence[str]) -> set[str]:
    """Those with rows: few in a test, and to learn the columns of a table takes longer than to read it."""
    if not names:
        return set()
    asked = [select(literal(name)).where(select(text("1")).select_from(table(name)).exists()) for name in names]
    return set(connection.scalars(union_all(*asked)))


def _rows_in(connection: Connection, found: Inspector, name: str) -> tuple[Row, ...]:
    columns = {column["name"]: column["type"] for column in found.get_columns(name)}
    keys = found.get_pk_constraint(name)["constrained_columns"]
    kept = [each for each in columns if not _is_unforeseeable(columns[each], is_key=each in keys)]
    asked = [column(each, columns[each]) for each in kept or columns]
    rows = connection.execute(select(*asked).select_from(table(name))).mappings()
    return tuple({each: row[each] for each in kept} for row in rows)


def volatile(one: object, other: object) -> set[tuple[str, str]]:
    """The columns in which two databases differ that nothing has happened to."""
    if not isinstance(one, Contents) or not isinstance(other, Contents):
        return set()
    return {
        (table, name)
        for table, rows in one.rows.items()
        for name in {name for row in rows for name in row}
        if _values(rows, name) != _values(other.rows.get(table, ()), name)
    }


def _values(rows: Iterable[Row], name: str) -> Counter[str]:
    return Counter(repr(row.get(name)) for row in rows)


def _is_unforeseeable(kind: TypeEngine[Any], *, is_key: bool) -> bool:
    return isinstance(kind, DateTime | Uuid) or (is_key and isinstance(kind, Integer))


def _told(row: Row) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in row.items())


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count} rows"


def _beside(mine: Counter[str] | None, others: Counter[str] | None) -> str:
    extra = list(((mine or Counter()) - (others or Counter())).elements())
    return f", and only here {' | '.join(extra[:3])}" if extra else ""
