"""A run begins: inserted in the caller's transaction, already owned when this process has a slot free."""

from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from sqlalchemy import bindparam, insert
from uuid_utils.compat import uuid7

from pipelines.journal.dialects import now_and
from pipelines.journal.tables import runs
from pipelines.pipeline import Pipeline
from pipelines.run import Run, RunState
from pipelines.transaction import Transaction

In = TypeVar("In")

FIRST_FENCE = 1

_INSERT = insert(runs).values(
    id=bindparam("id"),
    due_at=now_and("skew"),
    generation=0,
    attempt=0,
    errors=0,
    crashes=0,
    solo=False,
    solo_deaths=0,
)


@dataclass(frozen=True, slots=True)
class RunIsReady:
    """News for the worker: this run was started here, and nobody owns it yet."""

    run_id: UUID
    pipeline: str


@dataclass(frozen=True, slots=True)
class RunIsOurs:
    """News for the worker: this run was started here, and its slot is taken."""

    run: Run


def start(tx: Transaction, pipeline: Pipeline[In], payload: In) -> UUID:
    """Start a run of the pipeline. It is on disk with whatever else the transaction writes, or not at all."""
    owned = tx.take_slot()
    now = tx.home.clock.now()
    run = Run(
        id=uuid7(),
        pipeline=pipeline.name,
        version=pipeline.version,
        payload=pipeline.encode(payload),
        state=RunState.RUNNING if owned else RunState.READY,
        step=pipeline.first_step.name,
        fence=FIRST_FENCE if owned else 0,
        created_at=now,
        step_since=now,
    )
    tx.defer(_INSERT, _row(run, tx.home.process_id if owned else None, tx.home.clock.skew_seconds))
    tx.wake(RunIsOurs(run) if owned else RunIsReady(run.id, run.pipeline))
    return run.id


def _row(run: Run, owner: UUID | None, skew: float) -> dict[str, object]:
    return {
        "id": run.id,
        "pipeline": run.pipeline,
        "version": run.version,
        "state": run.state,
        "step": run.step,
        "owner": owner,
        "fence": run.fence,
        "payload": run.payload,
        "created_at": run.created_at,
        "step_since": run.step_since,
        "skew": skew,
    }
