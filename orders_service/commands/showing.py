"""What commands print: tables in colour on a terminal, aligned text into a pipe, JSON for programs."""

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import typer

from orders_service.printable import printable

if TYPE_CHECKING:  # rich is slow to import, and only a terminal wants it
    from rich.table import Table
    from rich.text import Text

GAP = "  "
_WIDER_THAN_ANY = 1_000_000
_STYLES = {
    "completed": "green",
    "delivered": "green",
    "shipped": "green",
    "success": "green",
    "failed": "red",
    "quarantined": "red",
    "rejected": "yellow",
    "retry": "yellow",
    "waiting": "yellow",
    "undoing": "yellow",
    "paused": "yellow",
    "cancelled": "dim",
    "revoked": "dim",
}


def is_terminal() -> bool:
    return sys.stdout.isatty()


def say(line: str) -> None:
    """What the command is for."""
    typer.echo(printable(line))


def note(line: str) -> None:
    """What is not part of it, and so goes where a pipe does not take it."""
    typer.echo(printable(line), err=True)


def show_json(value: Any) -> None:
    """In one line of ASCII, which no terminal obeys."""
    typer.echo(json.dumps(value))


def show_table(headings: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str, err: bool = False) -> None:
    """A row for each; `empty` is said when there is none."""
    cells = [[_cell(value) for value in row] for row in rows]
    if not cells:
        note(empty)
    elif not is_terminal() or not _draw(headings, cells, err=err):
        typer.echo("\n".join(_aligned([headings, *cells])), err=err)


def _draw(headings: Sequence[str], cells: Sequence[Sequence[str]], *, err: bool) -> bool:
    """Whether the terminal is wide enough; where words would be broken it breaks lines better itself."""
    from rich.console import Console  # noqa: PLC0415 - as above
    from rich.measure import Measurement  # noqa: PLC0415 - as above

    console, table = Console(stderr=err, highlight=False), table_of(headings, cells)
    unbounded = console.options.update(max_width=_WIDER_THAN_ANY)
    if Measurement.get(console, unbounded, table).minimum > console.width:
        return False
    console.print(table)
    return True


def table_of(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> "Table":
    """For a terminal; the first column is what people copy, and stays in one piece."""
    from rich.table import Table  # noqa: PLC0415 - as above

    table = Table(box=None, pad_edge=False, header_style="bold")
    for place, heading in enumerate(headings):
        table.add_column(heading, no_wrap=place == 0, overflow="fold")
    for row in rows:
        table.add_row(*map(styled, row))
    return table


def styled(value: object) -> "Text":
    """What is shown of a value on a terminal; nothing in it is markup."""
    from rich.text import Text  # noqa: PLC0415 - as above

    cell = _cell(value)
    return Text(cell, style=_STYLES.get(cell.partition(" ")[0], ""))


def moment(written: str | None) -> str:
    """A time of the service, without fractions, in UTC."""
    if written is None:
        return ""
    return f"{datetime.fromisoformat(written).astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def _cell(value: object) -> str:
    return "" if value is None else printable(value)


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [GAP.join(map(str.ljust, row, widths)).rstrip() for row in rows]
