"""What was wrong with a file, as a CSV to download: one line for each flaw of each row."""

import csv
import io
from collections.abc import Iterable, Iterator
from uuid import UUID

from sqlalchemy import Engine

from orders_service.imports import queries
from pipelines import ReadSession

COLUMNS = ("row", "order_ref", "column", "message")
MOST_AT_ONCE = 1000
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def complaints(readers: Engine, import_id: UUID) -> Iterator[str]:
    """Page by page, so that it may be long; a connection is held for a page only, however slow the client is."""
    yield _lines([COLUMNS])
    row = place = -1
    while True:
        with ReadSession(readers) as session:
            page = queries.flaws_after(session, import_id, row, place, MOST_AT_ONCE)
        if not page:
            return
        yield _lines((str(flaw.row_number), flaw.order_ref, flaw.column_name, flaw.message) for flaw in page)
        row, place = page[-1].row_number, page[-1].place


def first_complaints(session: ReadSession, import_id: UUID, most: int) -> list[tuple[str, ...]]:
    """The first of them, to be shown."""
    flaws = queries.flaws_after(session, import_id, -1, -1, most)
    return [(str(flaw.row_number), flaw.order_ref, flaw.column_name, flaw.message) for flaw in flaws]


def _lines(rows: Iterable[Iterable[str]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows([[_harmless(cell) for cell in row] for row in rows])
    return text.getvalue()


def _harmless(cell: str) -> str:
    """A spreadsheet takes a cell that begins like this for a formula, and does what it says."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
