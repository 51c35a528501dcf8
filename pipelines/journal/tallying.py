"""How many runs have ended, when and how, and how things stand: what a picture of the last hour is made of.

No index has runs by their ends. Those that end now are mostly the ones that were started last among those that have
ended, so history is walked from there backwards, by the index of what has ended, and never by more than so many rows.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Select,
    String,
    TextClause,
    and_,
    bindparam,
    case,
    cast,
    extract,
    func,
    literal_column,
    select,
    text,
)

from pipelines.journal import browsing
from pipelines.journal.starting import first_id_of
from pipelines.journal.tables import DEAD_LETTER, ENDED, processes, runs
from pipelines.run import DEAD_LETTERS, RunState
from pipelines.transaction import ReadSession

TICK_SECONDS = 5
MOST_READ = 20_000
LONGEST_RUN_SECONDS = 3600.0
LONGEST_DYING_SECONDS = 86_400.0
LAST = UUID(int=2**128 - 1)

_INSTRUCTIONS = 10_000  # of SQLite, between two looks at the clock: well below a millisecond

_second = extract("epoch", runs.c.finished_at)
_tick = case(
    (
        and_(runs.c.finished_at >= bindparam("since"), runs.c.finished_at < bindparam("until")),
        _second - _second % literal_column(str(TICK_SECONDS)),
    ),
)


def _counting(*conditions: ColumnElement[bool] | TextClause) -> Select[Any]:
    """Of the newest runs of a pipeline for which this holds: how many in each tick and state, and how far that goes."""
    newest = (
        select(runs.c.id, runs.c.state, _tick.label("tick"))
        .where(
            runs.c.pipeline == bindparam("pipeline"),
            *conditions,
            runs.c.id >= bindparam("first"),
            runs.c.id < bindparam("before"),
        )
        .order_by(runs.c.id.desc())
        .limit(bindparam("most"))
        .subquery()
    )
    smallest = func.min(cast(newest.c.id, String))  # PostgreSQL knows no smallest UUID before 18
    return select(newest.c.tick, newest.c.state, func.count(), smallest).group_by(newest.c.tick, newest.c.state)


_ENDED = _counting(text(ENDED))
_DEAD = _counting(text(DEAD_LETTER), runs.c.state == bindparam("state"))
_takes_runs = case((processes.c.knows != "[]", 1), else_=0)
_ALIVE = (
    select(processes.c.state, func.count(), func.sum(_takes_runs))
    .where(processes.c.state != "dead")
    .group_by(processes.c.state)
)


@dataclass(frozen=True, slots=True)
class EndedRuns:
    """How many runs ended, by state and by tick: the second since 1970 at which five seconds began.

    Before the run `reached` there is more to read.
    """

    tick_seconds: ClassVar[int] = TICK_SECONDS

    counts: Mapping[tuple[int, RunState], int]
    reached: UUID | None


@dataclass(frozen=True, slots=True)
class Glance:
    """How things stand now: open runs and dead letters, since when the oldest ready run waits, and who is alive."""

    depths: Mapping[tuple[str, RunState], int]
    oldest_ready: Mapping[str, datetime]
    live: int
    draining: int
    working: int  # of those that live: the ones that take runs, and not only requests


def glance(session: ReadSession) -> Glance:
    """Read how things stand, for all processes together; history is not counted."""
    alive = {state: (count, working) for state, count, working in session.execute(_ALIVE)}
    live, working = alive.get("live", (0, 0))
    draining, _ = alive.get("draining", (0, 0))
    return Glance(browsing.depths(session), browsing.oldest_ready(session), live, draining, working)


def ended_runs(
    session: ReadSession,
    pipeline: str,
    since: datetime,
    until: datetime,
    *,
    before: UUID | None = None,
    most: int = MOST_READ,
) -> EndedRuns:
    """Of the runs of a pipeline that were started last, those that ended in this time.

    Reads at most so many that have ended, whenever that was, and of those the ones that were started before the run
    `before`; what took longer than an hour is not looked for.
    """
    bound = {"pipeline": pipeline, "since": since, "until": until, "before": before or LAST, "most": most}
    first = first_id_of(since, earlier_by=LONGEST_RUN_SECONDS)
    rows = session.execute(_ENDED, bound | {"first": first}).all()
    is_all = sum(row[2] for row in rows) < most
    return EndedRuns(_counts(rows), None if is_all else min(UUID(row[3]) for row in rows))


def died_runs(
    session: ReadSession, pipeline: str, since: datetime, until: datetime, *, most: int = MOST_READ
) -> dict[tuple[int, RunState], int]:
    """When the dead letters of this time died; also those that were tried for a day, of which there are few."""
    bound = {"pipeline": pipeline, "since": since, "until": until, "before": LAST, "most": most}
    first = first_id_of(since, earlier_by=LONGEST_DYING_SECONDS)
    counts: dict[tuple[int, RunState], int] = {}
    for state in DEAD_LETTERS:
        counts |= _counts(session.execute(_DEAD, bound | {"first": first, "state": state}).all())
    return counts


def _counts(rows: Any) -> dict[tuple[int, RunState], int]:
    return {(int(tick), state): count for tick, state, count, _ in rows if tick is not None}


@contextmanager
def time_limit(session: ReadSession, seconds: float) -> Iterator[None]:
    """What this session reads within takes no longer, or fails: each statement on PostgreSQL, on SQLite the whole."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text(f"SET LOCAL statement_timeout = {round(seconds * 1000)}"))
        yield
        return
    until = monotonic() + seconds
    driver: Any = session.connection().connection.driver_connection
    driver.set_progress_handler(lambda: monotonic() > until, _INSTRUCTIONS)
    try:
        yield
    finally:
        driver.set_progress_handler(None, 0)
