"""What the journal says in numbers, for whoever watches all processes at once; read within a time limit of its own."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, or_, select, text

from pipelines.journal import browsing
from pipelines.journal.tables import ENDED, processes, runs, schedules
from pipelines.run import RunState
from pipelines.schedule import Schedule
from pipelines.transaction import ReadSession

LOOKED_AT = 1000
"""Of a schedule's pipeline, so many runs that ended last are searched for its own."""

_PROCESSES = select(processes.c.state, func.count()).where(processes.c.state != "dead").group_by(processes.c.state)
# In the words of the index that has them by pipeline and id; ids grow with time.
_LATEST = (
    select(runs.c.id, runs.c.key, runs.c.state, runs.c.finished_at)
    .where(runs.c.pipeline == bindparam("of"), text(ENDED))
    .order_by(runs.c.id.desc())
    .limit(LOOKED_AT)
    .subquery()
)
_TRIGGERED = select(schedules.c.last_run_id).where(schedules.c.name == bindparam("name")).scalar_subquery()
_LAST_SUCCESS = (
    select(_LATEST.c.finished_at)
    .where(
        _LATEST.c.state == RunState.COMPLETED,
        or_(
            func.substr(_LATEST.c.key, 1, bindparam("length")) == bindparam("prefix"),
            _LATEST.c.id == _TRIGGERED,
        ),
    )
    .order_by(_LATEST.c.id.desc())
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class Measures:
    """One reading. What is missing in a mapping is none, or never."""

    depths: Mapping[tuple[str, RunState], int] = field(default_factory=dict)
    oldest_ready: Mapping[str, datetime] = field(default_factory=dict)
    processes: Mapping[str, int] = field(default_factory=dict)
    last_success: Mapping[str, datetime] = field(default_factory=dict)


def measure(session: ReadSession, watched: Iterable[Schedule[Any]], *, most_seconds: float) -> Measures:
    """Read everything; on PostgreSQL no statement takes longer than that."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text(f"SET LOCAL statement_timeout = {round(most_seconds * 1000)}"))
    return Measures(
        browsing.depths(session),
        browsing.oldest_ready(session),
        dict(tuple(row) for row in session.execute(_PROCESSES)),
        {each.name: at for each in watched if (at := _last_success(session, each)) is not None},
    )


def _last_success(session: ReadSession, schedule: Schedule[Any]) -> datetime | None:
    """When the last run that it started, or somebody for it, was completed; none when that has been pruned."""
    prefix = f"{schedule.name}@"
    bound = {"of": schedule.pipeline.name, "name": schedule.name, "prefix": prefix, "length": len(prefix)}
    at: datetime | None = session.execute(_LAST_SUCCESS, bound).scalar_one_or_none()
    return at
