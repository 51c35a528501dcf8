"""Reading the audit: a page at a time, or all that matches as a file."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from sqlalchemy import Engine

from orders_service.audit import queries
from orders_service.audit.schemas import AuditEntryView, AuditFilter
from orders_service.audit.tables import AuditEntry
from orders_service.pages import Page, cursor_after, place_of
from orders_service.spreadsheets import csv_lines
from pipelines import ReadSession

COLUMNS = tuple(AuditEntryView.model_fields)
MOST_AT_ONCE = 1000
MOST_EXPORTED = 100_000


def page_of(session: ReadSession, which: AuditFilter) -> Page[AuditEntryView]:
    """Newest first. Raises `UnfitCursor`."""
    under = f"audit {which.model_dump_json(exclude={'cursor', 'limit'}, exclude_none=True)}"
    entries = _found(session, which, place_of(which.cursor, under=under), which.limit + 1)
    shown = entries[: which.limit]
    more = cursor_after(shown[-1].id, under=under) if len(entries) > which.limit else None
    return Page(items=[AuditEntryView.of(entry) for entry in shown], next=more)


def as_csv(readers: Engine, which: AuditFilter, *, most: int = MOST_EXPORTED) -> Iterator[str]:
    """The newest so many that match. A connection is held for a page only, however slow the client is."""
    yield csv_lines([COLUMNS])
    before: UUID | None = None
    while most > 0:
        with ReadSession(readers) as session:
            rows = [_row(entry) for entry in _found(session, which, before, min(most, MOST_AT_ONCE))]
        yield csv_lines(rows)
        if len(rows) < MOST_AT_ONCE:
            return
        most -= len(rows)
        before = rows[-1][0]


def _found(session: ReadSession, which: AuditFilter, before: UUID | None, most: int) -> list[AuditEntry]:
    return queries.newest(
        session, where=which.columns, since=which.created_after, until=which.created_before, before=before, most=most
    )


def _row(entry: AuditEntry) -> tuple[Any, ...]:
    return tuple(_cell(getattr(entry, name)) for name in COLUMNS)


def _cell(value: Any) -> Any:
    """What changed stays what programs can read."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else value
