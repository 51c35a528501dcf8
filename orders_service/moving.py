"""`orders journal move`: from a SQLite file to PostgreSQL between two steps, with all that this service keeps."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection, Table
from sqlalchemy.exc import DBAPIError

from orders_service import audit, inventory, schema, tables
from pipelines import NotMoved, ReadSession, Transaction
from pipelines.journal import closing, moving
from pipelines.journal.moving import Came, Moved

_ACTOR = "orders journal move"
_OF_TOOLS = {"alembic_version", closing.MARK.name}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What has moved, or what would: `moved` is missing after a look. `remarks` are worth a person's reading."""

    rows: dict[str, int]
    remarks: tuple[str, ...]
    moved: Moved | None = None


def all_tables() -> Sequence[Table]:
    """Whatever there is in the schema, each table after those that it refers to: a new one is not forgotten."""
    return tables.runs.metadata.sorted_tables


def move(source_url: str, target_url: str, *, tell: Callable[[Came], None], only_look: bool = False) -> Outcome:
    """Move, or look whether a move would succeed. Raises `NotMoved` when the journal stays where it is."""
    with _in_words(), moving.moving(source_url, target_url, all_tables(), tell) as move:
        _refuse_other_schema(move.rows)
        move.examine()
        remarks = tuple(_remarks(move.rows))
        if only_look:
            return Outcome(rows={name: tally.rows for name, tally in move.tallies.items()}, remarks=remarks)
        schema.migrate(target_url)
        moved = move.carry(_ACTOR, lambda tx: _record(tx, move))
        return Outcome(rows=moved.rows, remarks=remarks, moved=moved)


def reopen(source_url: str, target_url: str | None, *, is_gone: bool) -> bool:
    """Give up a move: the file may be served again. Says whether it was closed. Raises `NotMoved` if it must not be."""
    try:
        return moving.reopen(source_url, target_url, is_gone=is_gone)
    except DBAPIError as error:
        raise NotMoved(
            f"The target cannot be asked whether it has the journal: {_said_by(error)} "
            "If nobody will ever serve from it, say --target-is-gone."
        ) from error


def _refuse_other_schema(rows: Connection) -> None:
    """What has other tables than this code may hold rows that it would leave behind."""
    have, need = schema.current_revision(rows), schema.head()
    if have != need:
        way = "Run: orders migrate" if schema.is_known(have) else "Move it with the release that it is served by."
        raise NotMoved(f"The file is at revision {have or 'none'}, and this release moves {need}. {way}")


def _remarks(rows: Connection) -> Iterator[str]:
    known = {table.name for table in all_tables()} | _OF_TOOLS
    if others := sorted(schema.table_names(rows) - known):
        yield f"Not of this service, and left behind: {', '.join(others)}."
    with ReadSession(rows) as session:
        if skus := inventory.unbalanced(session):
            yield f"The stock of {', '.join(skus)} does not add up: it moves as it is."


def _record(tx: Transaction, move: moving.Move) -> None:
    note = audit.Note(
        actor=_ACTOR,
        actor_type="command",
        action="journal_moved",
        subject_type="journal",
        subject_id=str(tx.home.process_id),
    )
    rows = sum(tally.rows for tally in move.tallies.values())
    audit.record(tx, note, before={"database": move.source}, after={"database": move.target, "rows": rows})


@contextmanager
def _in_words() -> Iterator[None]:
    """What a database refuses, without the values that it quotes."""
    try:
        yield
    except DBAPIError as error:
        raise NotMoved(f"A database refuses: {_said_by(error)} Nothing has moved.") from error


def _said_by(error: DBAPIError) -> str:
    diagnosis = getattr(error.orig, "diag", None)
    said = getattr(diagnosis, "message_primary", None) or str(error.orig).splitlines()[0]
    return f"{str(said).rstrip('.')}."
