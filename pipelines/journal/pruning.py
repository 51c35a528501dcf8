"""What has ended long ago is deleted, oldest first, in slices so small that nobody has to wait for one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias
from uuid import UUID

from sqlalchemy import CTE, Select, bindparam, delete, exists, select
from sqlalchemy.engine import Row

from pipelines.journal.dialects import now_and, seconds, time_of
from pipelines.journal.starting import first_id_of
from pipelines.journal.tables import attempts, interventions, processes, runs
from pipelines.run import TERMINAL, RunState
from pipelines.transaction import ReadSession, Transaction

MOST_ROWS = 1000  # of all tables together
SPARE_PAGES = 1000  # of a SQLite file: new rows want them again
MOST_PAGES = 200
ASKED_FOR = timedelta(days=1)  # so long after its death nobody asks any more whether a process has committed

FIRST = UUID(int=0)

_Row: TypeAlias = Row[tuple[UUID, RunState, datetime | None, int]]

_OLDEST = (
    select(runs.c.id, runs.c.state, runs.c.finished_at, runs.c.tries)
    .where(runs.c.id > bindparam("after"), runs.c.id < bindparam("before"))
    .order_by(runs.c.id)
    .limit(MOST_ROWS)
)


def _locked(chosen: Select[tuple[UUID]], name: str) -> CTE:
    """Taken in key order, and past those that somebody else is just taking."""
    locked = chosen.with_for_update(skip_locked=True).cte(name)
    return locked.prefix_with("MATERIALIZED", dialect="postgresql")


# One of them may have been sent on its way again since it was seen.
_STILL_ENDED = _locked(
    select(runs.c.id)
    .where(
        runs.c.id.in_(bindparam("of", expanding=True)),
        runs.c.state.in_(sorted(TERMINAL)),
        runs.c.finished_at < bindparam("until"),
    )
    .order_by(runs.c.id),
    "still_ended",
)
_DELETE_RUNS = delete(runs).where(runs.c.id.in_(select(_STILL_ENDED.c.id))).returning(runs.c.id)
_DELETE_WITH_THEM = [
    delete(table).where(table.c.run_id.in_(bindparam("of", expanding=True))) for table in (attempts, interventions)
]
_FORGOTTEN = _locked(
    select(processes.c.id)
    .where(
        processes.c.state == "dead",
        processes.c.lease_until < now_and("ago"),
        ~exists().where(runs.c.owner == processes.c.id),
    )
    .order_by(processes.c.id)
    .limit(MOST_ROWS),
    "forgotten",
)
_DELETE_PROCESSES = delete(processes).where(processes.c.id.in_(select(_FORGOTTEN.c.id)))


@dataclass(frozen=True, slots=True)
class Slice:
    """Runs that may go, how far that look came, and whether it came to the end."""

    ids: tuple[UUID, ...]
    until: datetime
    came_to: UUID
    is_last: bool


def look(session: ReadSession, ages: Mapping[RunState, timedelta], after: UUID, skew_seconds: float) -> Slice:
    """The next runs, by age, that ended longer ago than their state is kept; reads a bounded part of the table."""
    now = time_of(session, skew_seconds)
    until = now - min(ages.values())
    rows = session.execute(_OLDEST, {"after": after, "before": first_id_of(until)}).all()
    taken = _first_that_fit(rows)
    ids = tuple(row.id for row in taken if _is_over(row, ages, now))
    is_last = len(taken) == len(rows) < MOST_ROWS
    return Slice(ids, until, taken[-1].id if taken else after, is_last)


def prune(tx: Transaction, doomed: Slice) -> int:
    """Delete these runs and all that belongs to them, unless they are open again; says how many went."""
    gone = tx.execute(_DELETE_RUNS, {"of": list(doomed.ids), "until": doomed.until}).scalars().all()
    for statement in _DELETE_WITH_THEM:
        tx.execute(statement, {"of": list(gone)})
    return len(gone)


def forget_the_dead(tx: Transaction) -> None:
    """Delete the rows of processes that ended long ago and own nothing."""
    tx.execute(_DELETE_PROCESSES, {"ago": seconds(tx.home.clock.skew_seconds - ASKED_FOR.total_seconds())})


def give_back_pages(tx: Transaction) -> bool:
    """Make a SQLite file smaller by a little; says whether there is more to give back."""
    if tx.core.dialect.name != "sqlite":
        return False
    before = _free_pages(tx)
    if before <= SPARE_PAGES:
        return False
    for _ in range(min(MOST_PAGES, before - SPARE_PAGES)):
        tx.core.exec_driver_sql(
            "PRAGMA incremental_vacuum(1)"
        )  # of more than one, the driver would stop after the first
    return SPARE_PAGES < _free_pages(tx) < before


def _free_pages(tx: Transaction) -> int:
    count: int = tx.core.exec_driver_sql("PRAGMA freelist_count").scalar_one()
    return count


def _first_that_fit(rows: Sequence[_Row]) -> Sequence[_Row]:
    """The first of them whose rows, attempts included, make one slice; at least one."""
    size = 0
    for place, row in enumerate(rows):
        size += 1 + row.tries
        if size > MOST_ROWS and place > 0:
            return rows[:place]
    return rows


def _is_over(row: _Row, ages: Mapping[RunState, timedelta], now: datetime) -> bool:
    age = ages.get(row.state)
    return age is not None and row.finished_at is not None and row.finished_at < now - age
