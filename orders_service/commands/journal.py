"""`orders journal`: where the journal lives. These commands open the databases themselves, while nobody serves."""

import signal
import sys
import time
from types import FrameType
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from orders_service.commands.options import AsJson
from orders_service.commands.showing import note, say, show_json, show_table
from orders_service.mendable import Mendable

if TYPE_CHECKING:  # the databases are slow to import, and `--help` wants none
    from orders_service.moving import Outcome
    from pipelines.journal.moving import Came

journal = typer.Typer(help="Where the journal lives, and moving it.", no_args_is_help=True)

_BETWEEN_WORDS_SECONDS = 1.0
_STOPPED = 1

Source = Annotated[str, typer.Argument(metavar="SOURCE", help="As sqlite:///var/orders.db; nobody may serve from it.")]
Target = Annotated[str, typer.Argument(metavar="TARGET", help="As postgresql://orders@db/orders; an empty database.")]


class NotDone(Mendable):
    """The journal is where it was, or, if that is what the text says, nobody can tell."""

    exit_code = 1


@journal.command()
def move(
    source: Source,
    target: Target,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read and count everything, write nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Move everything from SQLite to PostgreSQL, runs in flight included, while no server runs. All, or nothing.

    Afterwards the file is closed: no server starts on it any more. Broken off at any point, repeat it.
    """
    from orders_service import moving  # noqa: PLC0415 - as above

    before = signal.signal(signal.SIGTERM, _stop)  # as Ctrl-C does: what has begun is taken back
    try:
        with _told():
            outcome = moving.move(source, target, tell=Reporter(is_quiet=as_json), only_look=dry_run)
    finally:
        signal.signal(signal.SIGTERM, before)
    show_json(_as_json(outcome)) if as_json else _show(outcome)


@journal.command()
def reopen(
    source: Source,
    *,
    target: Annotated[
        str | None, typer.Option(help="Where it was to move, with the password that the file does not keep.")
    ] = None,
    target_is_gone: Annotated[
        bool, typer.Option("--target-is-gone", help="Nobody will ever serve from the target: do not ask it.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Give up a move: servers may start on the file again. Refused while the target has the journal."""
    from orders_service import moving  # noqa: PLC0415 - as above

    with _told():
        was_closed = moving.reopen(source, target, is_gone=target_is_gone)
    if as_json:
        show_json({"reopened": was_closed})
    else:
        say("The journal is open: serve from it." if was_closed else "The journal was open already.")


class Reporter:
    """Says on a terminal how far it is: each table, and now and then the rows of a long one."""

    def __init__(self, *, is_quiet: bool) -> None:
        self._is_quiet = is_quiet or not sys.stderr.isatty()
        self._said_at = float("-inf")

    def __call__(self, came: "Came") -> None:
        if self._is_quiet:
            return
        is_on_the_way = came.to == "copying"
        if is_on_the_way and time.monotonic() - self._said_at < _BETWEEN_WORDS_SECONDS:
            return
        self._said_at = time.monotonic()
        count = f"{came.rows:,} of {came.of:,}" if is_on_the_way else f"{came.rows:,}"
        note(f"  {came.to} {came.table}: {count}" if came.table else f"  {came.to}")


class _told:  # noqa: N801 - reads as a sentence
    """What a person can mend is one line."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        from orders_service import starting  # noqa: PLC0415 - as above

        if isinstance(error, Exception) and (advice := starting.advice(error)) is not None:
            raise NotDone(advice) from error


def _stop(_: int, __: FrameType | None) -> NoReturn:
    sys.exit(_STOPPED)


def _show(outcome: "Outcome") -> None:
    moved = outcome.moved
    show_table(("TABLE", "ROWS"), ((name, rows) for name, rows in outcome.rows.items() if rows), empty="")
    for remark in outcome.remarks:
        note(remark)
    if moved is None:
        say("Nothing stands in the way. Nothing was written.")
        return
    say(f"All of it is in {moved.target}{_of_runs(moved.freed, moved.quarantined)}. The file is closed.")
    say(f"Serve from there: ORDERS_DATABASE_URL={moved.target}")


def _of_runs(freed: int, quarantined: int) -> str:
    runs = f", {freed} runs of dead processes will be carried on" if freed else ""
    return f"{runs}, {quarantined} are quarantined" if quarantined else runs


def _as_json(outcome: "Outcome") -> dict[str, object]:
    moved = outcome.moved
    told: dict[str, object] = {"rows": outcome.rows, "remarks": list(outcome.remarks), "moved": moved is not None}
    if moved is not None:
        told |= {"id": str(moved.id), "target": moved.target, "freed": moved.freed, "quarantined": moved.quarantined}
    return told
