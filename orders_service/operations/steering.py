"""Somebody intervenes: in one run, in a schedule, in a pipeline, in the transaction that writes down who it was."""

from collections.abc import Callable
from typing import Any, TypeAlias
from uuid import UUID

from orders_service import audit
from orders_service.operations.errors import UnknownPipeline
from pipelines import Process, Schedules, StateConflict, Transaction, cancel, find_runs, pause, pauses_of, resume

Verb: TypeAlias = Callable[..., UUID | None]
"""One of the library's: it takes transaction, what it is about, `actor` and `reason`, and may start a run."""

UNSAID = "cancelled by an operator"


def steer_run(tx: Transaction, verb: Verb, run_id: UUID, note: audit.Note, reason: str | None) -> UUID:
    """Do it to one run; gives the run to look at. Raises `UnknownRun`, or `StateConflict`."""
    started = verb(tx, run_id, actor=note.actor, reason=reason)
    after = {"reason": reason} | ({"new_run": str(started)} if started is not None else {})
    audit.record(tx, note, after={name: value for name, value in after.items() if value is not None})
    return started or run_id


def replay_run(tx: Transaction, process: Process, run_id: UUID, note: audit.Note, reason: str | None) -> UUID:
    """A new run with the input of this one. Not where the run belongs to a record, which has been closed by it.

    An order that was delivered would be confirmed, counted and sent to the warehouse a second time, under new keys.
    """
    run = find_runs(tx, [run_id]).get(run_id)
    closing = {name for (name, _), wired in process.wired.items() if wired.pipeline.end is not None}
    if run is not None and run.pipeline in closing:
        raise StateConflict(f"a run of {run.pipeline} belongs to a record that it has closed: make a new record")
    return steer_run(tx, process.steering.replay, run_id, note, reason)


def cancel_run(tx: Transaction, run_id: UUID, *, actor: str, reason: str | None) -> None:
    """The library wants a reason, since the run's own record shows it."""
    cancel(tx, run_id, reason=reason or UNSAID, actor=actor)


def trigger_schedule(
    tx: Transaction, schedules: Schedules, name: str, note: audit.Note, reason: str | None = None
) -> UUID:
    """Start a run now; what is planned stays as it is. Raises `UnknownSchedule`."""
    run_id = schedules.trigger(tx, name, actor=note.actor)
    audit.record(tx, note, after={"run": str(run_id), **_because(reason)})
    return run_id


def pause_schedule(
    tx: Transaction, schedules: Schedules, name: str, note: audit.Note, reason: str | None = None
) -> None:
    """Raises `UnknownSchedule`, or `StateConflict` when it is paused already."""
    schedules.pause(tx, name, actor=note.actor)
    audit.record(tx, note, before={"paused": False}, after={"paused": True, **_because(reason)})


def resume_schedule(
    tx: Transaction, schedules: Schedules, name: str, note: audit.Note, reason: str | None = None
) -> None:
    """Raises `UnknownSchedule`, or `StateConflict` when it is not paused."""
    schedules.resume(tx, name, actor=note.actor)
    audit.record(tx, note, before={"paused": True}, after={"paused": False, **_because(reason)})


def pause_pipeline(tx: Transaction, process: Process, name: str, note: audit.Note, reason: str) -> None:
    """Raises `UnknownPipeline`, or `StateConflict` when it is paused already."""
    _see_that_it_is_known(process, name)
    if name in pauses_of(tx):
        raise StateConflict(f"pipeline {name} is paused")
    pause(tx, name, actor=note.actor, reason=reason)
    audit.record(tx, note, before={"paused": False}, after={"paused": True, "reason": reason})


def resume_pipeline(tx: Transaction, process: Process, name: str, note: audit.Note, reason: str | None) -> None:
    """Raises `UnknownPipeline`, or `StateConflict` when it is not paused."""
    _see_that_it_is_known(process, name)
    pauses = pauses_of(tx)
    if name not in pauses:
        raise StateConflict(f"pipeline {name} is not paused")
    resume(tx, name, actor=note.actor, reason=reason)
    before: dict[str, Any] = {"paused": True, "reason": pauses[name].reason}
    audit.record(tx, note, before=before, after={"paused": False, "reason": reason})


def _because(reason: str | None) -> dict[str, str]:
    return {"reason": reason} if reason is not None else {}


def _see_that_it_is_known(process: Process, name: str) -> None:
    if not any(name == known for known, _ in process.wired):
        raise UnknownPipeline
