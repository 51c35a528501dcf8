"""Cuts of a journal: all rows as they stood after one COMMIT, one line of JSON each, loaded by any later schema."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, DateTime, Table, Uuid, insert, select
from sqlalchemy.types import TypeDecorator
from sqlmodel import SQLModel

Row = dict[str, Any]
Rows = dict[str, list[Row]]

SKU = "golden"
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_MOMENT = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(Z|\+00:00)")
_BEGINNING = datetime(2026, 1, 1, 12, tzinfo=UTC)
_NOTHING_TO_KEEP = {"alembic_version"}
_OF_NO_MATTER: Row = {"host": "golden", "pid": 1}


@dataclass(frozen=True)
class Cut:
    """`rows` by table, in an order in which they can be inserted."""

    story: str
    number: int
    rows: Rows

    @property
    def run(self) -> Row:
        [run] = self.rows["runs"]
        return run

    @property
    def name(self) -> str:
        return f"{self.story}, cut {self.number}"


def look(connection: Connection) -> Rows:
    """All rows of all tables that have some."""
    tables = [table for table in SQLModel.metadata.sorted_tables if table.name not in _NOTHING_TO_KEEP]
    found = {table.name: [_plain(row) for row in connection.execute(select(table)).mappings()] for table in tables}
    return {name: rows for name, rows in found.items() if rows}


def _plain(row: Any) -> Row:
    return {name: _as_json(value) for name, value in row.items()} | {
        name: _OF_NO_MATTER[name] for name in row.keys() & _OF_NO_MATTER.keys()
    }


def _as_json(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value


def save(folder: Path, story: str, number: int, looks: Sequence[Rows]) -> None:
    """Write the cuts of one story, with fixed ids and times, so that all cuts fit into one database."""
    lines = [
        json.dumps({"cut": cut, "table": table, "row": row}, sort_keys=True)
        for cut, rows in enumerate(looks, start=1)
        for table, of_table in rows.items()
        for row in of_table
    ]
    fixed = _with_fixed_times("\n".join(lines)).splitlines()
    ids: dict[str, int] = {}
    named = [_with_fixed_names(line, story, number, json.loads(line)["cut"], ids) for line in fixed]
    (folder / f"{story}.jsonl").write_text("\n".join(named) + "\n")


def _with_fixed_times(text: str) -> str:
    moments = sorted({found[0] for found in _MOMENT.finditer(text)}, key=datetime.fromisoformat)
    places = {moment: _BEGINNING + timedelta(seconds=place) for place, moment in enumerate(moments)}
    return _MOMENT.sub(lambda found: f"{places[found[0]]:%Y-%m-%dT%H:%M:%S}{found[1]}", text)


def _with_fixed_names(line: str, story: str, number: int, cut: int, ids: dict[str, int]) -> str:
    def fixed(found: re.Match[str]) -> str:
        place = ids.setdefault(found[0], len(ids) + 1)
        return str(UUID(f"01930000-0000-7000-8{number:03x}-{cut:06x}{place:06x}"))

    return (
        _UUID.sub(fixed, line)
        .replace(f'"{SKU}"', f'"{SKU}-{story}-{cut}"')
        .replace(f'\\"{SKU}\\"', f'\\"{SKU}-{story}-{cut}\\"')
        .replace(f": {SKU}", f": {SKU}-{story}-{cut}")
    )


def read(folder: Path) -> list[Cut]:
    """All cuts of a release."""
    return [cut for file in sorted(folder.glob("*.jsonl")) for cut in _cuts_of(file)]


def _cuts_of(file: Path) -> Iterator[Cut]:
    cuts: dict[int, Rows] = {}
    for line in file.read_text().splitlines():
        entry = json.loads(line)
        cuts.setdefault(entry["cut"], {}).setdefault(entry["table"], []).append(entry["row"])
    for number, rows in cuts.items():
        yield Cut(file.stem, number, rows)


def load(connection: Connection, cuts: Iterable[Cut]) -> None:
    """Insert them: the columns that were there then; the others get what the schema of today gives them."""
    everything = list(cuts)
    for table in SQLModel.metadata.sorted_tables:
        for row in (row for cut in everything for row in cut.rows.get(table.name, ())):
            connection.execute(insert(table).values(_typed(table, row)))


def _typed(table: Table, row: Row) -> Row:
    return {name: _of_type(table.c[name].type, value) for name, value in row.items()}


def _of_type(type_: Any, value: Any) -> Any:
    plain = type_.impl if isinstance(type_, TypeDecorator) else type_
    if value is None:
        return None
    if isinstance(plain, DateTime):
        return datetime.fromisoformat(value)
    return UUID(value) if isinstance(plain, Uuid) else value
