"""What somebody may do to a run that needs the code of its pipeline: retry, undo again, repair, replay."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic_core import to_json

from pipelines.clock import Clock
from pipelines.errors import StateConflict, UnknownRun
from pipelines.journal import explaining, interventions, retrying, starting
from pipelines.journal.explaining import Cause
from pipelines.journal.retrying import Stopped
from pipelines.pipeline import Pipeline
from pipelines.run import DEAD_LETTERS, Direction
from pipelines.transaction import ReadSession, Transaction
from pipelines.worker.steering_many import SteeringMany, Write
from pipelines.worker.wiring import Occasion, WiredPipeline

Wiring = Mapping[tuple[str, str], WiredPipeline]


class Steering:
    """Its verbs are transaction functions: hand them to `write`. Each writes down who did it, in the same COMMIT.

    They raise `UnknownRun`, or `StateConflict` when the run is not in a state for it; nothing is written then. `many`
    does to all runs that match a filter what these do to one.
    """

    def __init__(self, wired: Wiring, clock: Clock, lease: timedelta, write: Write) -> None:
        self.many = SteeringMany(write, self.set_forward, clock)
        self._wired = wired
        self._clock = clock
        self._lease = lease

    def retry(
        self, tx: Transaction, run_id: UUID, *, actor: str, reason: str | None = None, deadline: timedelta | None = None
    ) -> None:
        """Have a run that `failed` or is `quarantined` go forward again.

        It goes on at the earliest step that was undone, and its effects get new keys from there; if nothing was undone,
        at the step that failed, under the old keys. `@pipeline.at_retry` is called in the same transaction. A deadline
        is counted from now: the one given, else the pipeline's own; one of the run's own that has passed falls away.
        """
        run = self._stopped(tx, run_id)
        self.set_forward(tx, run, deadline=deadline)
        interventions.record(tx, actor, "retry", pipeline=run.row.pipeline, run_id=run_id, details={"reason": reason})

    def set_forward(
        self, tx: Transaction, run: Stopped, *, deadline: timedelta | None = None, delay_seconds: float = 0.0
    ) -> None:
        """The retry of one run, be it of many. Checks first, and writes after."""
        if run.row.undo_failure is not None:
            raise StateConflict(f"run {run.id} is undone in part: finish that first, with retry_undo")
        wired = self._wiring_of(run)
        payload = _read_by(wired.pipeline, run)
        if wired.again is not None:
            wired.again(Occasion(payload=payload, results={}, tx=tx))
        step = _where_to_go_on(wired.unfolded(payload).pipeline, run)
        until = _deadline(wired.pipeline, run, tx.home.clock.now(), deadline)
        retrying.go_forward(tx, run, step, deadline_at=until, delay_seconds=delay_seconds)

    def retry_undo(self, tx: Transaction, run_id: UUID, *, actor: str, reason: str | None = None) -> None:
        """Have a run go on being undone where an undo was given up, or killed. It then ends as it would have without.

        What has been undone is not undone again. `@pipeline.at_end` is called again at the end.
        """
        run = self._stopped(tx, run_id)
        if run.row.undo_failure is None:
            raise StateConflict(f"run {run_id} has no undo that was given up")
        retrying.go_back_again(tx, run, _where_undoing_stopped(self._wiring_of(run).pipeline, run))
        details = {"reason": reason, "given_up": run.row.undo_failure}
        interventions.record(tx, actor, "retry_undo", pipeline=run.row.pipeline, run_id=run_id, details=details)

    def repair(self, tx: Transaction, run_id: UUID, payload: object, *, actor: str, reason: str | None = None) -> None:
        """Give a run that has stopped another input, which this code can read; then it can be retried.

        It is given in the shape of the run's version: the input type, or plain values. Raises what the type raises,
        such as pydantic's `ValidationError`. The input that was there is kept among the interventions.
        """
        run = self._stopped(tx, run_id)
        pipeline = self._wiring_of(run).pipeline
        given = to_json(payload, by_alias=False).decode()
        pipeline.decode(given)
        retrying.replace_input(tx, run, given)
        details = {"reason": reason, "before": run.row.payload}
        interventions.record(tx, actor, "repair", pipeline=pipeline.name, run_id=run_id, details=details)

    def replay(self, tx: Transaction, run_id: UUID, *, actor: str, reason: str | None = None) -> UUID:
        """Start a new run with the input of this one, in today's version; gives its id. The old one is not touched.

        The new run keeps line and priority, but neither key nor due date.
        """
        run = self._found(tx, run_id)
        pipeline = self._todays(run)
        then = self._wired.get((run.row.pipeline, run.row.version))
        payload = _read_by(then.pipeline if then is not None else pipeline, run)
        new = starting.start(tx, pipeline, payload, serial=run.row.serial, priority=run.priority)
        details = {"reason": reason, "new_run": str(new)}
        interventions.record(tx, actor, "replay", pipeline=pipeline.name, run_id=run_id, details=details)
        return new

    def why(self, session: ReadSession, run_id: UUID) -> Cause:
        """Say in one sentence why the run is where it is. Raises `UnknownRun`."""
        known = {key: each.pipeline for key, each in self._wired.items()}
        return explaining.why(session, run_id, known=known, clock=self._clock, lease=self._lease)

    def _found(self, tx: Transaction, run_id: UUID) -> Stopped:
        run = retrying.find(tx, [run_id]).get(run_id)
        if run is None:
            raise UnknownRun(str(run_id))
        return run

    def _stopped(self, tx: Transaction, run_id: UUID) -> Stopped:
        run = self._found(tx, run_id)
        if run.row.state not in DEAD_LETTERS:
            raise StateConflict(f"run {run_id} is {run.row.state}; only what failed or is quarantined can be taken up")
        return run

    def _todays(self, run: Stopped) -> Pipeline[Any]:
        for each in self._wired.values():
            if each.pipeline.name == run.row.pipeline and each.pipeline.written_by is None:
                return each.pipeline
        raise StateConflict(f"this process does not know {run.row.pipeline}")

    def _wiring_of(self, run: Stopped) -> WiredPipeline:
        wired = self._wired.get((run.row.pipeline, run.row.version))
        if wired is None:
            raise StateConflict(f"this process does not know version {run.row.version} of {run.row.pipeline}")
        return wired


def _read_by(pipeline: Pipeline[Any], run: Stopped) -> Any:
    try:
        return pipeline.decode(run.row.payload)
    except Exception as error:
        raise StateConflict(f"the input of run {run.id} cannot be read: repair it first") from error


def _where_to_go_on(pipeline: Pipeline[Any], run: Stopped) -> str:
    """The first step that was undone, or given up for the others' sake; else where it stood."""
    passed_over = {step.name for step in pipeline.steps if step.may_fail} & run.in_vain
    step: str = run.row.step
    return next((each.name for each in pipeline.steps if each.name in run.undone | passed_over), step)


def _where_undoing_stopped(pipeline: Pipeline[Any], run: Stopped) -> str:
    """The last of the steps whose undo was tried in vain; else where it stood, of which nothing was tried."""
    in_vain = {step for step, direction in run.tries if direction is Direction.UNDO} - run.undone
    step: str = run.row.step
    return next((each.name for each in reversed(pipeline.steps) if each.name in in_vain), step)


def _deadline(pipeline: Pipeline[Any], run: Stopped, now: datetime, given: timedelta | None) -> datetime | None:
    limit = given or pipeline.deadline
    if limit is not None:
        return now + limit
    old: datetime | None = run.row.deadline_at
    return old if old is not None and old > now else None
