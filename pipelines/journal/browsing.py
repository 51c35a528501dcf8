"""Looking at runs, without touching them."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, bindparam, func, or_, select, text

from pipelines.journal.dialects import now_and, seconds
from pipelines.journal.progressing import shown
from pipelines.journal.tables import CLAIMABLE, DEAD_LETTER, OWNED, SUSPECT, attempts, runs
from pipelines.run import Attempt, Priority, Progress, RunState, StoredResult
from pipelines.transaction import ReadSession, Transaction

_RUNS = select(runs).where(runs.c.id.in_(bindparam("of", expanding=True)))
_ATTEMPTS = (
    select(attempts)
    .where(attempts.c.run_id.in_(bindparam("of", expanding=True)))
    .order_by(attempts.c.run_id, attempts.c.place, attempts.c.started_at)
)
_STANDINGS = select(
    runs.c.id,
    runs.c.state,
    runs.c.step,
    runs.c.attempt,
    runs.c.ending,
    runs.c.reason,
    runs.c.progress,
    runs.c.undo_failure,
).where(runs.c.id.in_(bindparam("of", expanding=True)))
_COUNT = select(runs.c.pipeline, runs.c.state, func.count()).group_by(runs.c.pipeline, runs.c.state)
# Each in the words of an index that history is not in.
_DEPTHS = tuple(_COUNT.where(text(condition)) for condition in (OWNED, CLAIMABLE, DEAD_LETTER))
_OLDEST_READY = (
    select(runs.c.pipeline, func.min(runs.c.due_at))
    .where(text(CLAIMABLE), runs.c.state == RunState.READY)
    .group_by(runs.c.pipeline)
)
_NEXT_DUE = select(func.min(runs.c.due_at)).where(text(CLAIMABLE), runs.c.due_at > now_and("skew"))
_LEFT_ALONE = (
    select(runs.c.id, runs.c.pipeline, runs.c.version, runs.c.state, runs.c.step, runs.c.tries)
    .where(or_(text(CLAIMABLE), text(SUSPECT)))
    .order_by(runs.c.id)
)
_IDS = select(runs.c.id).order_by(runs.c.id)


@dataclass(frozen=True, slots=True)
class RunStanding:
    """Where a run stands, in short."""

    state: RunState
    step: str
    attempt: int
    ending: RunState | None
    reason: str | None
    progress: Progress | None = None
    undo_failure: str | None = None  # what could not be undone


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """What the journal says of one run."""

    id: UUID
    pipeline: str
    version: str
    state: RunState
    step: str
    attempt: int
    ending: RunState | None
    reason: str | None
    due_at: datetime
    created_at: datetime
    finished_at: datetime | None
    payload: str
    priority: Priority
    key: str | None
    serial: str | None
    deadline_at: datetime | None
    owner: UUID | None  # the process that has it
    generation: int  # how often its steps were begun anew
    errors: int  # attempts at its step that count
    crashes: int  # processes that died with it at its step
    step_since: datetime
    undo_failure: str | None  # what could not be undone
    traceparent: str | None
    progress: Progress | None
    attempts: tuple[Attempt, ...]

    def returned_by(self, step: str) -> StoredResult | None:
        """What the step returned, as it is stored; nothing until the run has completed. See `Pipeline.result_of`."""
        if self.state is not RunState.COMPLETED:
            return None
        returned = (each for each in reversed(self.attempts) if each.step == step and each.did_succeed)
        return next((StoredResult(each.result, each.version) for each in returned), None)


def find(session: ReadSession, run_id: UUID) -> RunRecord | None:
    """The run with its attempts, oldest first."""
    return find_many(session, [run_id]).get(run_id)


def find_many(session: ReadSession | Transaction, run_ids: Collection[UUID]) -> dict[UUID, RunRecord]:
    """These runs with their attempts; what has been pruned is missing. Two statements, however many they are."""
    bound = {"of": list(run_ids)}
    tried: defaultdict[UUID, list[Attempt]] = defaultdict(list)
    rows = session.execute(_RUNS, bound).mappings().all()
    for attempt in session.execute(_ATTEMPTS, bound).mappings():
        tried[attempt["run_id"]].append(_attempt(attempt))
    return {row["id"]: _record(row, tried[row["id"]]) for row in rows}


def _record(row: RowMapping, tried: Iterable[Attempt]) -> RunRecord:
    progress = shown(row["progress"], step=row["step"], state=row["state"])
    return RunRecord(**{name: row[name] for name in _FIELDS}, progress=progress, attempts=tuple(tried))


_FIELDS = (
    "id",
    "pipeline",
    "version",
    "state",
    "step",
    "attempt",
    "ending",
    "reason",
    "due_at",
    "created_at",
    "finished_at",
    "payload",
    "priority",
    "key",
    "serial",
    "deadline_at",
    "owner",
    "generation",
    "errors",
    "crashes",
    "step_since",
    "undo_failure",
    "traceparent",
)


def standings(session: ReadSession | Transaction, run_ids: Collection[UUID]) -> dict[UUID, RunStanding]:
    """Where each of these runs stands; what has been pruned is missing."""
    rows = session.execute(_STANDINGS, {"of": list(run_ids)})
    return {row.id: _standing(row) for row in rows}


def _standing(row: Any) -> RunStanding:
    progress = shown(row.progress, step=row.step, state=row.state)
    return RunStanding(row.state, row.step, row.attempt, row.ending, row.reason, progress, row.undo_failure)


def _attempt(row: Any) -> Attempt:
    return Attempt(
        step=row["step"],
        direction=row["kind"],
        number=row["number"],
        place=row["place"],
        outcome=row["outcome"],
        error=row["error"],
        result=row["result"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        version=row["version"],
    )


def depths(session: ReadSession) -> dict[tuple[str, RunState], int]:
    """How many runs of each pipeline are open, by state, and how many are dead letters; not all of history."""
    counts: Counter[tuple[str, RunState]] = Counter()
    for statement in _DEPTHS:
        counts.update({(pipeline, state): count for pipeline, state, count in session.execute(statement)})
    return counts


def oldest_ready(session: ReadSession) -> dict[str, datetime]:
    """Since when the oldest run that nobody has taken could have been taken."""
    return dict(tuple(row) for row in session.execute(_OLDEST_READY))


def next_due(session: ReadSession, skew_seconds: float) -> datetime | None:
    """When the next run that nobody owns will be due; none if none waits for its time."""
    earliest: datetime | None = session.execute(_NEXT_DUE, {"skew": seconds(skew_seconds)}).scalar_one()
    return earliest


def left_alone(session: ReadSession) -> list[str]:
    """The open runs that nobody owns, as a sentence has them."""
    return [
        f"{row.pipeline} {row.id} (version {row.version}), {row.state} at {row.step} after {row.tries} attempts"
        for row in session.execute(_LEFT_ALONE)
    ]


def all_ids(session: ReadSession) -> list[UUID]:
    """Every run there is, oldest first: for the small journals of tests."""
    return list(session.execute(_IDS).scalars())
