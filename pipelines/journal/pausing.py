"""A pipeline is paused: from the COMMIT on, no process that knows of it begins another step or undo of its runs."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, delete, insert, select

from pipelines.journal import interventions
from pipelines.journal.tables import pauses
from pipelines.transaction import ReadSession, Transaction

_INSERT = insert(pauses)
_DELETE = delete(pauses).where(pauses.c.pipeline == bindparam("of"))
_FIND = select(pauses.c.pipeline).where(pauses.c.pipeline == bindparam("of"))
_ALL = select(pauses.c.pipeline)
_WITH_REASONS = select(pauses.c.pipeline, pauses.c.paused_at, pauses.c.paused_by, pauses.c.reason).order_by(
    pauses.c.pipeline
)


@dataclass(frozen=True, slots=True)
class PipelinePause:
    """That a pipeline is paused: since when, by whom, and why."""

    pipeline: str
    paused_at: datetime
    paused_by: str
    reason: str


@dataclass(frozen=True, slots=True)
class PipelineIsPaused:
    """News for the worker: take no run of this pipeline, and hand over those that are here after their step."""

    pipeline: str


@dataclass(frozen=True, slots=True)
class PipelineIsResumed:
    """News for the worker: runs of this pipeline may be taken again."""

    pipeline: str


def pause(tx: Transaction, pipeline: str, *, actor: str, reason: str) -> None:
    """Stop all steps and undos of a pipeline. Runs are still started, and wait. Paused already: nothing changes.

    Processes that this COMMIT does not wake learn of it with their next sweep, and may begin a step until then.
    """
    if tx.execute(_FIND, {"of": pipeline}).first() is not None:
        return
    row = {"pipeline": pipeline, "paused_at": tx.home.clock.now(), "paused_by": actor, "reason": reason}
    tx.defer(_INSERT, row)
    interventions.record(tx, actor, "pause", pipeline=pipeline, details={"reason": reason})
    tx.wake(PipelineIsPaused(pipeline))


def resume(tx: Transaction, pipeline: str, *, actor: str, reason: str | None = None) -> None:
    """Let a pipeline go on where it stood. Not paused: nothing changes."""
    if tx.execute(_FIND, {"of": pipeline}).first() is None:
        return
    tx.defer(_DELETE, {"of": pipeline})
    interventions.record(tx, actor, "resume", pipeline=pipeline, details={"reason": reason})
    tx.wake(PipelineIsResumed(pipeline))


def paused(session: ReadSession) -> Collection[str]:
    """The pipelines that are paused."""
    return frozenset(session.execute(_ALL).scalars())


def pauses_of(session: ReadSession | Transaction) -> dict[str, PipelinePause]:
    """The pipelines that are paused, and why each is."""
    return {row.pipeline: PipelinePause(*row) for row in session.execute(_WITH_REASONS)}
