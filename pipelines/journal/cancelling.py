"""A run is cancelled: it goes no further, and what it did is undone, by its owner if it has one."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, case, or_, select, update

from pipelines.errors import StateConflict, UnknownRun
from pipelines.journal import interventions
from pipelines.journal.dialects import now_and, seconds
from pipelines.journal.tables import runs
from pipelines.run import RunState
from pipelines.transaction import Transaction

CANCELLABLE = (RunState.READY, RunState.RUNNING, RunState.WAITING)

_FIND = select(runs.c.state, runs.c.ending).where(runs.c.id == bindparam("of"))

# `in_` cannot be sent for many rows at once.
# A run that is owned stays with its owner, so that a call that is under way has ended before it is undone.
_CANCEL = (
    update(runs)
    .where(
        runs.c.id == bindparam("of"), or_(*(runs.c.state == state for state in CANCELLABLE)), runs.c.ending.is_(None)
    )
    .values(
        ending=RunState.CANCELLED,
        reason=bindparam("because"),
        state=case((runs.c.owner.is_(None), RunState.UNDOING), else_=runs.c.state),
        attempt=case((runs.c.owner.is_(None), 0), else_=runs.c.attempt),
        errors=case((runs.c.owner.is_(None), 0), else_=runs.c.errors),
        due_at=case((runs.c.owner.is_(None), now_and("skew")), else_=runs.c.due_at),
    )
)


@dataclass(frozen=True, slots=True)
class RunIsCancelled:
    """News for the worker: if this run is here, stop what it does; if nobody has it, it is ready to be undone."""

    run_id: UUID


def cancel(tx: Transaction, run_id: UUID, *, reason: str, actor: str | None = None) -> None:
    """Have the run end `cancelled`. Raises `UnknownRun`, or `StateConflict` when it has ended or is being undone.

    With an `actor` it is written down who did it; an application that cancels for its own reasons names none.
    """
    found = tx.execute(_FIND, {"of": run_id}).one_or_none()
    if found is None:
        raise UnknownRun(str(run_id))
    too_late = StateConflict(f"run {run_id} has ended, or is being undone")
    if found.state not in CANCELLABLE or found.ending is not None:
        raise too_late
    tx.defer(_CANCEL, _bound(tx, run_id, reason), otherwise=too_late)  # it may move before this is sent
    tx.wake(RunIsCancelled(run_id))
    if actor is not None:
        interventions.record(tx, actor, "cancel", run_id=run_id, details={"reason": reason})


def cancel_those(tx: Transaction, run_ids: Iterable[UUID], *, reason: str) -> None:
    """The same for many; whichever has ended before this is sent is left in peace."""
    for run_id in run_ids:
        tx.defer(_CANCEL, _bound(tx, run_id, reason))
        tx.wake(RunIsCancelled(run_id))


def _bound(tx: Transaction, run_id: UUID, reason: str) -> dict[str, Any]:
    return {"of": run_id, "because": reason, "skew": seconds(tx.home.clock.skew_seconds)}
