"""A run that has ended in failure is set in motion again, forwards or, where undoing stopped short, backwards."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Update, bindparam, case, func, null, select, update

from pipelines.errors import StateConflict
from pipelines.journal.dialects import now_and, seconds
from pipelines.journal.tables import attempts, runs
from pipelines.run import AttemptOutcome, Direction, Priority, RunState
from pipelines.transaction import Transaction

_FIND = select(runs).where(runs.c.id.in_(bindparam("of", expanding=True)))
_TRIES = select(
    attempts.c.run_id,
    attempts.c.generation,
    attempts.c.step,
    attempts.c.kind,
    attempts.c.number,
    attempts.c.outcome,
).where(attempts.c.run_id.in_(bindparam("of", expanding=True)))

_before = runs.alias("before")
_NEXT_PLACE = (
    select(func.coalesce(func.max(_before.c.serial_place), 0) + 1)
    .where(_before.c.pipeline == runs.c.pipeline, _before.c.serial == runs.c.serial)
    .scalar_subquery()
)
# Whoever sets it in motion, or takes it, raises the fence.
_AS_FOUND = (
    runs.c.id == bindparam("of"),
    runs.c.fence == bindparam("under"),
    runs.c.owner.is_(None),
)
_SET_IN_MOTION = (
    update(runs)
    .where(*_AS_FOUND)
    .values(
        state=bindparam("now_in"),
        step=bindparam("to"),
        step_since=bindparam("since"),
        generation=bindparam("anew"),
        attempt=bindparam("attempts"),
        errors=0,
        crashes=0,
        solo=False,
        solo_deaths=0,
        fence=runs.c.fence + 1,
        due_at=now_and("delay"),
        ending=bindparam("ends"),
        reason=bindparam("because"),
        undo_failure=null(),
        progress=null(),
        finished_at=null(),
        deadline_at=bindparam("until"),
        serial_place=case((runs.c.serial.is_(None), null()), else_=_NEXT_PLACE),
    )
)
_REPLACE_INPUT = update(runs).where(*_AS_FOUND).values(payload=bindparam("input"), fence=runs.c.fence + 1)


@dataclass(frozen=True, slots=True)
class RunGoesOn:
    """News for the worker: this run was set in motion again, and nobody owns it yet. `is_due`: it need not wait."""

    run_id: UUID
    pipeline: str
    version: str
    priority: Priority
    is_due: bool


@dataclass(frozen=True, slots=True)
class Stopped:
    """A run that is not under way, and how often each of its steps was tried in its generation."""

    row: Row[Any]
    tries: dict[tuple[str, Direction], int]
    undone: frozenset[str]
    in_vain: frozenset[str] = frozenset()

    @property
    def begins_anew(self) -> bool:
        """Whether steps are done again that were tried before: of what was undone, or of several that had failed."""
        return bool(self.undone) or len(self.in_vain) > 1

    @property
    def id(self) -> UUID:
        run_id: UUID = self.row.id
        return run_id

    @property
    def priority(self) -> Priority:
        return Priority(self.row.priority)

    @property
    def decided_reason(self) -> str | None:
        """The decided reason, without what could not be undone."""
        reason: str | None = self.row.reason
        return reason.removesuffix(self.row.undo_failure or "") if reason is not None else None

    def tried(self, step: str, direction: Direction) -> int:
        return self.tries.get((step, direction), 0)


def find(tx: Transaction, run_ids: Collection[UUID]) -> dict[UUID, Stopped]:
    """These runs as they are on disk; those that are unknown are missing."""
    bound = {"of": list(run_ids)}
    rows = {row.id: row for row in tx.execute(_FIND, bound)}
    tries: dict[UUID, dict[tuple[str, Direction], int]] = {run_id: {} for run_id in rows}
    undone: dict[UUID, set[str]] = {run_id: set() for run_id in rows}
    done: dict[UUID, set[str]] = {run_id: set() for run_id in rows}
    for run_id, generation, step, kind, number, outcome in tx.execute(_TRIES, bound):
        if run_id in rows and generation == rows[run_id].generation:
            tries[run_id][step, kind] = max(number, tries[run_id].get((step, kind), 0))
            if outcome is AttemptOutcome.SUCCESS:
                (undone if kind is Direction.UNDO else done)[run_id].add(step)
    return {
        run_id: Stopped(row, tries[run_id], frozenset(undone[run_id]), _in_vain(tries[run_id]) - done[run_id])
        for run_id, row in rows.items()
    }


def _in_vain(tries: Iterable[tuple[str, Direction]]) -> frozenset[str]:
    return frozenset(step for step, direction in tries if direction is Direction.DO)


def go_forward(
    tx: Transaction, run: Stopped, step: str, *, deadline_at: datetime | None, delay_seconds: float = 0.0
) -> None:
    """On from this step. If anything was undone, effects get new keys: the other side has seen the old ones undone.

    So they do where several steps had failed: their attempts are counted anew, and attempts have one number each.
    """
    generation = run.row.generation + run.begins_anew
    _set_in_motion(
        tx,
        run,
        {
            "now_in": RunState.WAITING if delay_seconds else RunState.READY,
            "to": step,
            "anew": generation,
            "attempts": 0 if run.begins_anew else run.tried(step, Direction.DO),
            "ends": None,
            "because": None,
            "until": deadline_at,
            "delay": delay_seconds,
        },
    )


def go_back_again(tx: Transaction, run: Stopped, step: str) -> None:
    """Undo this step and what was done before it, as it was decided once."""
    _set_in_motion(
        tx,
        run,
        {
            "now_in": RunState.UNDOING,
            "to": step,
            "anew": run.row.generation,
            "attempts": run.tried(step, Direction.UNDO),
            "ends": run.row.ending,
            "because": run.decided_reason,
            "until": run.row.deadline_at,
            "delay": 0.0,
        },
    )


def _set_in_motion(tx: Transaction, run: Stopped, values: dict[str, Any]) -> None:
    due = seconds(tx.home.clock.skew_seconds + values["delay"])
    _changed(tx, _SET_IN_MOTION, run, values | {"since": tx.home.clock.now(), "delay": due})
    is_due = not values["delay"] and run.row.serial is None  # whose turn it is in a line is not asked here
    tx.wake(RunGoesOn(run.id, run.row.pipeline, run.row.version, run.priority, is_due=is_due))


def replace_input(tx: Transaction, run: Stopped, stored: str) -> None:
    """The run gets another input, when it is retried."""
    _changed(tx, _REPLACE_INPUT, run, {"input": stored})


def _changed(tx: Transaction, statement: Update, run: Stopped, values: dict[str, Any]) -> None:
    as_found = {"of": run.id, "under": run.row.fence}
    tx.defer(statement, as_found | values, otherwise=StateConflict(f"run {run.id} is under way again"))
