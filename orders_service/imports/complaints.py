"""What was wrong with a file, as a CSV to download: one line for each flaw of each row."""

from collections.abc import Iterator
from uuid import UUID

from sqlalchemy import Engine

from orders_service.imports import queries
from orders_service.spreadsheets import csv_lines
from pipelines import ReadSession

COLUMNS = ("row", "order_ref", "column", "message")
MOST_AT_ONCE = 1000


def complaints(readers: Engine, import_id: UUID) -> Iterator[str]:
    """Page by page, so that it may be long; a connection is held for a page only, however slow the client is."""
    yield csv_lines([COLUMNS])
    row = place = -1
    while True:
        with ReadSession(readers) as session:
            page = queries.flaws_after(session, import_id, row, place, MOST_AT_ONCE)
        if not page:
            return
        yield csv_lines((flaw.row_number, flaw.order_ref, flaw.column_name, flaw.message) for flaw in page)
        row, place = page[-1].row_number, page[-1].place


def first_complaints(session: ReadSession, import_id: UUID, most: int) -> list[tuple[str, ...]]:
    """The first of them, to be shown."""
    flaws = queries.flaws_after(session, import_id, -1, -1, most)
    return [(str(flaw.row_number), flaw.order_ref, flaw.column_name, flaw.message) for flaw in flaws]
