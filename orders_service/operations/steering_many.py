"""Very many runs are retried or cancelled at once: by a run of its own, which nobody's timeout cuts short."""

from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from orders_service import audit
from orders_service.operations.steering import UNSAID
from pipelines import (
    Pipeline,
    Preview,
    ReadSession,
    Retry,
    RunFilter,
    RunState,
    StateConflict,
    SteeringMany,
    StepContext,
    Transaction,
    start,
)
from pipelines import Steered as Count


class Action(StrEnum):
    """What is done to all of them."""

    RETRY = "retry"
    CANCEL = "cancel"

    @property
    def states(self) -> tuple[RunState, ...]:
        """Those of the runs that it can be done to; all others are left in peace."""
        if self is Action.RETRY:
            return (RunState.FAILED, RunState.QUARANTINED)
        return (RunState.READY, RunState.RUNNING, RunState.WAITING)


class Chosen(BaseModel):
    """Which runs, as it is stored with the order to steer them."""

    model_config = ConfigDict(frozen=True)

    pipeline: str | None = None
    states: tuple[RunState, ...] = ()
    step: str | None = None
    version: str | None = None
    error: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None

    @property
    def filter(self) -> RunFilter:
        """Never those that steer: they would retry or cancel themselves."""
        return RunFilter(**self.model_dump(), except_pipeline=steer_runs.name)


class SteeringOrder(BaseModel):
    """What is to be done to which runs, and who wants it."""

    model_config = ConfigDict(frozen=True)

    action: Action
    chosen: Chosen
    actor: str
    reason: str | None = None
    pace_per_second: float | None = None
    limit: int | None = None


class Steered(BaseModel):
    """How many runs were set in motion, and how many were left because they could not be."""

    model_config = ConfigDict(frozen=True)

    done: int
    left: int


class Desk:
    """Lends a step the verbs of the process that it runs in, which is made after its gateways."""

    many: SteeringMany


steer_runs = Pipeline("steer-runs", SteeringOrder, result=Steered)


@steer_runs.step(retry=Retry(on=(StateConflict,)))
async def steer(order: SteeringOrder, desk: Desk, step: StepContext) -> Steered:
    """A step for the outside that stays inside: it writes in slices, and under the run's id goes on after a crash."""

    def heard(so_far: Count) -> None:
        step.progress(so_far.done + so_far.left)

    chosen, actor, limit, key = order.chosen.filter, order.actor, order.limit, step.run_id
    if order.action is Action.CANCEL:
        reason = order.reason or UNSAID
        done = await desk.many.cancel_all(chosen, actor=actor, reason=reason, limit=limit, key=key, heard=heard)
    else:
        done = await desk.many.retry_all(
            chosen,
            actor=actor,
            reason=order.reason,
            pace_per_second=order.pace_per_second,
            limit=limit,
            key=key,
            heard=heard,
        )
    return Steered(done=done.done, left=done.left)


def start_steering(tx: Transaction, order: SteeringOrder, note: audit.Note) -> UUID:
    """Have it done in the background; the order and who gave it are one COMMIT."""
    run_id = start(tx, steer_runs, order)
    asked = order.model_dump(mode="json", exclude={"actor", "action"}, exclude_defaults=True)
    audit.record(tx, replace(note, subject_id=str(run_id)), after=asked)
    return run_id


def preview(session: ReadSession, many: SteeringMany, action: Action, chosen: Chosen) -> Preview:
    """What it would be about."""
    look = many.preview_cancel if action is Action.CANCEL else many.preview_retry
    return look(session, chosen.filter)
