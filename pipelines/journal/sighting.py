"""Looking at many runs at once, again and again: only of what has moved is more read than a row."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import RowMapping, bindparam, select

from pipelines.journal.progressing import shown
from pipelines.journal.tables import attempts, runs
from pipelines.run import Attempt, Progress, RunState
from pipelines.transaction import ReadSession

_STANDING = select(
    runs.c.id,
    runs.c.state,
    runs.c.step,
    runs.c.tries,
    runs.c.reason,
    runs.c.due_at,
    runs.c.finished_at,
    runs.c.progress,
).where(runs.c.id.in_(bindparam("of", expanding=True)))

_TRIED = (
    select(
        attempts.c.run_id,
        attempts.c.step,
        attempts.c.kind.label("direction"),
        attempts.c.number,
        attempts.c.place,
        attempts.c.outcome,
        attempts.c.error,
        attempts.c.started_at,
        attempts.c.finished_at,
    )
    .where(attempts.c.run_id.in_(bindparam("of", expanding=True)), attempts.c.place > bindparam("since"))
    .order_by(attempts.c.place, attempts.c.started_at)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """A run as it was at one moment: where it stood, and all attempts up to then."""

    state: RunState
    step: str
    tries: int
    reason: str | None
    due_at: datetime | None
    finished_at: datetime | None
    progress: Progress | None
    attempts: tuple[Attempt, ...] = ()

    def stands_as(self, other: "Sighting") -> bool:
        """Whether nothing has happened between the two."""
        return replace(self, attempts=other.attempts) == other


NOTHING_YET = -1  # attempts of old have no place of their own, and share 0


def look(session: ReadSession, before: Mapping[UUID, Sighting | None]) -> dict[UUID, Sighting | None]:
    """Those of these runs that have moved since they were seen; `None` is a run that is not there."""
    rows = session.execute(_STANDING, {"of": list(before)}).mappings().all()
    there = {row["id"]: _sighting(row) for row in rows}
    moved = {run_id: now for run_id, now in there.items() if (was := before[run_id]) is None or not now.stands_as(was)}
    gone = {run_id: None for run_id in before if run_id not in there}
    return gone | _with_attempts(session, moved, before)


def _with_attempts(
    session: ReadSession, moved: Mapping[UUID, Sighting], before: Mapping[UUID, Sighting | None]
) -> dict[UUID, Sighting]:
    """Nothing later than the row of the run, which was read first: so both are of the same moment."""
    if not moved:
        return {}
    seen = {run_id: was.tries if (was := before[run_id]) is not None else NOTHING_YET for run_id in moved}
    tried = {run_id: list(was.attempts) if (was := before[run_id]) is not None else [] for run_id in moved}
    for row in session.execute(_TRIED, {"of": list(moved), "since": min(seen.values())}).mappings():
        run_id, place = row["run_id"], row["place"]
        if seen[run_id] < place <= moved[run_id].tries:
            tried[run_id].append(Attempt(**{name: row[name] for name in _ATTEMPT_FIELDS}))
    return {run_id: replace(now, attempts=tuple(tried[run_id])) for run_id, now in moved.items()}


_ATTEMPT_FIELDS = ("step", "direction", "number", "place", "outcome", "error", "started_at", "finished_at")


def _sighting(row: RowMapping) -> Sighting:
    said = shown(row["progress"], step=row["step"], state=row["state"])
    return Sighting(**{name: row[name] for name in _FIELDS}, progress=said)


_FIELDS = ("state", "step", "tries", "reason", "due_at", "finished_at")
