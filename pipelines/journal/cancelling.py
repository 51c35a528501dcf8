"""A run is cancelled: it goes no further, and what it did is undone, by its owner if it has one."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import bindparam, case, select, update

from pipelines.errors import StateConflict, UnknownRun
from pipelines.journal.dialects import now_and, seconds
from pipelines.journal.tables import runs
from pipelines.run import RunState
from pipelines.transaction import Transaction

_CANCELLABLE = (RunState.READY, RunState.RUNNING, RunState.WAITING)

_FIND = select(runs.c.state, runs.c.ending).where(runs.c.id == bindparam("of"))

# A run that is owned stays with its owner, so that a call that is under way has ended before it is undone.
_CANCEL = (
    update(runs)
    .where(runs.c.id == bindparam("of"), runs.c.state.in_(_CANCELLABLE), runs.c.ending.is_(None))
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


def cancel(tx: Transaction, run_id: UUID, *, reason: str) -> None:
    """Have the run end `cancelled`. Raises `UnknownRun`, or `StateConflict` when it has ended or is being undone."""
    found = tx.execute(_FIND, {"of": run_id}).one_or_none()
    if found is None:
        raise UnknownRun(str(run_id))
    too_late = StateConflict(f"run {run_id} has ended, or is being undone")
    if found.state not in _CANCELLABLE or found.ending is not None:
        raise too_late
    bound = {"of": run_id, "because": reason, "skew": seconds(tx.home.clock.skew_seconds)}
    tx.defer(_CANCEL, bound, otherwise=too_late)  # it may move before this is sent
    tx.wake(RunIsCancelled(run_id))
