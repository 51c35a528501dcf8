"""Where a journal moves to: one transaction on PostgreSQL that takes all of it, and whose outcome can be found out.

A row among the interventions, under the id of the move, is written in that transaction: it is there, or nothing is.
"""

import time
from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine, Table, bindparam, func, inspect, not_, select
from sqlalchemy.exc import DBAPIError

from pipelines.clock import Clock, SystemClock
from pipelines.committer import commit
from pipelines.errors import NotMoved, OutcomeUnknown
from pipelines.journal import interventions, reaping
from pipelines.journal.copying import filled
from pipelines.journal.tables import interventions as written
from pipelines.journal.tables import processes, runs
from pipelines.run import RunState
from pipelines.transaction import Transaction

PATIENCE_SECONDS = 60.0
_BETWEEN_SECONDS = 0.5
_ACTION = "move"

_ALONE = f"LOCK TABLE {processes.name} IN SHARE ROW EXCLUSIVE MODE"  # whoever begins to serve adds a row to it
_FIND = select(written.c.id).where(written.c.id == bindparam("of"), written.c.action == _ACTION)

_MAY_GO_ON = runs.c.owner.is_(None) & runs.c.state.in_(
    (RunState.READY, RunState.WAITING, RunState.UNDOING, RunState.QUARANTINED)
)
_STRANDED = select(runs.c.id, func.count().over()).where(runs.c.finished_at.is_(None), not_(_MAY_GO_ON)).limit(1)


@dataclass(frozen=True, slots=True)
class Mover:
    """The process that the transaction of a move belongs to; it carries on nothing itself."""

    process_id: UUID
    clock: Clock = SystemClock()  # noqa: RUF009 - it has no state
    pauses: Container[str] = ()
    known: Container[tuple[str, str]] = ()

    def take_slot(self) -> bool:
        return False

    def give_back_slot(self) -> None:
        pass


@contextmanager
def receiving(engine: Engine, move_id: UUID, tables: Sequence[Table]) -> Iterator[Transaction]:
    """A transaction alone with an empty database; without `settle` nothing has happened."""
    with engine.connect() as connection:
        connection.exec_driver_sql(_ALONE)
        refuse_filled(connection, tables)
        tx = Transaction(connection, Mover(move_id))
        try:
            yield tx
        finally:
            tx.close()


def refuse_filled(connection: Connection, tables: Sequence[Table]) -> None:
    """Raises `NotMoved` unless there is nothing in any of these tables."""
    if full := filled(connection, tables):
        others = f" and {len(full) - 3} more" if len(full) > 3 else ""  # noqa: PLR2004 - that many are named
        raise NotMoved(
            f"The target is not empty: there are rows in {', '.join(full[:3])}{others}. "
            "A journal moves into a database that nobody has served from."
        )


def free(tx: Transaction) -> reaping.Reaped:
    """The processes of the file are dead, as whoever holds its lock knows: their runs are for everybody here."""
    reaped = reaping.bury_predecessors(tx)
    if (stranded := tx.execute(_STRANDED).first()) is not None:
        one, count = stranded
        raise NotMoved(f"{count} runs could not be carried on in the target, such as {one}.")
    return reaped


def sign(tx: Transaction, actor: str, details: Mapping[str, Any]) -> None:
    """Write down that all of this has come by this move."""
    interventions.record(tx, actor, _ACTION, details=details, under=tx.home.process_id)


def settle(tx: Transaction) -> None:
    """COMMIT. Whatever it raises, `find_out` knows whether it has happened."""
    for deferred in tx.deferred:
        tx.core.execute(deferred.statement, dict(deferred.row))
    commit(tx.core)


def find_out(engine: Engine, move_id: UUID) -> bool:
    """Whether that COMMIT has happened; waits for a backend that may still be at it.

    Raises `OutcomeUnknown` when the target does not say so in time.
    """
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return has_settled(engine, move_id)
        except DBAPIError as error:
            if time.monotonic() > give_up_at:
                raise OutcomeUnknown("COMMIT was sent to the target, and its answer was lost.") from error
        time.sleep(_BETWEEN_SECONDS)


def has_settled(engine: Engine, move_id: UUID) -> bool:
    """Whether that COMMIT has happened; if not, it never will. Raises what the database says while one is at it."""
    with engine.connect() as connection, connection.begin():
        if not has_arrived(connection, move_id) and inspect(connection).has_table(processes.name):
            connection.exec_driver_sql(_ALONE)
        return has_arrived(connection, move_id)


def has_arrived(connection: Connection, move_id: UUID) -> bool:
    """Whether this database has what that move has carried."""
    return inspect(connection).has_table(written.name) and (
        connection.execute(_FIND, {"of": move_id}).first() is not None
    )
