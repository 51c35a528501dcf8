"""Lines of CSV that programs can read, and that do nothing when a spreadsheet opens them."""

import csv
import io
from collections.abc import Iterable

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_lines(rows: Iterable[Iterable[object]]) -> str:
    """Everything quoted; what a spreadsheet would take for a formula has a `'` before it."""
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerows(map(_harmless, row) for row in rows)
    return text.getvalue()


def _harmless(cell: object) -> str:
    """A spreadsheet takes a cell that begins like this for a formula, and does what it says."""
    text = "" if cell is None else str(cell)
    return f"'{text}" if text.startswith(_FORMULA) else text
