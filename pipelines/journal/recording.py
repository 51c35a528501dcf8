"""Progress is written down: the attempt, where the run now stands, and what must change together with it.

Every write of progress is guarded by owner and fence. A process that was paused for longer than its lease finds its
rows not met, and commits nothing.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Update, bindparam, insert, null, or_, update

from pipelines.errors import Fenced
from pipelines.journal.dialects import now_and, seconds
from pipelines.journal.tables import attempts, runs
from pipelines.run import Attempt, Run, RunState
from pipelines.transaction import Transaction

_ATTEMPT = insert(attempts)
_ATTEMPT_BY_OTHER_CODE = insert(attempts)  # one more column, so a statement of its own

_OURS = (
    runs.c.id == bindparam("of"),
    runs.c.owner == bindparam("mine"),
    runs.c.fence == bindparam("under"),
)
_MOVED = {"tries": bindparam("moves"), "crashes": 0, "solo": False, "solo_deaths": 0}

# What does not turn the run back as the cancellation wants it is refused when one has come in between.
_STILL_WANTED = or_(runs.c.ending.is_(None), runs.c.state == RunState.UNDOING, runs.c.state == RunState.QUARANTINED)
_ENDS_AS_DECIDED = or_(_STILL_WANTED, runs.c.ending == bindparam("ends"))

_ADVANCE = (
    update(runs)
    .where(*_OURS, runs.c.ending.is_(None))
    .values(step=bindparam("to"), step_since=bindparam("since"), attempt=0, errors=0, **_MOVED)
)
_PASS_OVER = _ADVANCE.values(reason=bindparam("because"))
_COMPLETE = (
    update(runs)
    .where(*_OURS, runs.c.ending.is_(None))
    .values(state=RunState.COMPLETED, owner=null(), finished_at=bindparam("since"), **_MOVED)
)
# One step back, to the next undo or into undoing.
_BACK = (
    update(runs)
    .where(*_OURS, _ENDS_AS_DECIDED)
    .values(
        state=RunState.UNDOING,
        ending=bindparam("ends"),
        reason=bindparam("because"),
        undo_failure=bindparam("owed"),
        step=bindparam("to"),
        step_since=bindparam("since"),
        attempt=bindparam("attempts"),
        errors=0,
        **_MOVED,
    )
)
_DEAD_LETTER = (
    update(runs)
    .where(*_OURS)
    .values(
        state=bindparam("now_in"),
        ending=bindparam("ends"),
        reason=bindparam("because"),
        undo_failure=bindparam("owed"),
        owner=null(),
        finished_at=bindparam("since"),
        **_MOVED,
    )
)
_END = _DEAD_LETTER.where(_ENDS_AS_DECIDED)
_END_SHORT = _END.values(step=bindparam("to"))
_PUT_OFF = (
    update(runs)
    .where(*_OURS, _STILL_WANTED)
    .values(
        state=bindparam("now_in"),
        owner=null(),
        due_at=now_and("delay"),
        attempt=bindparam("attempts"),
        errors=bindparam("failures"),
        **_MOVED,
    )
)

# Nothing was tried, so what is known of crashes stays; but it is in nobody's hands now.
_PUT_ASIDE = (
    update(runs)
    .where(*_OURS, _STILL_WANTED)
    .values(state=bindparam("now_in"), owner=null(), due_at=now_and("delay"), tries=bindparam("moves"), solo=False)
)


@dataclass(frozen=True, slots=True)
class LineMovesUp:
    """News for the worker: the run that was first in this line has ended, and the next may be taken."""

    serial: str


def save_attempt(tx: Transaction, run: Run, attempt: Attempt) -> None:
    """The row of one try; it commits only together with a guarded move of its run."""
    row = {
        "run_id": run.id,
        "generation": run.generation,
        "step": attempt.step,
        "kind": attempt.direction,
        "number": attempt.number,
        "outcome": attempt.outcome,
        "error": attempt.error,
        "result": attempt.result,
        "started_at": attempt.started_at,
        "finished_at": attempt.finished_at,
        "place": attempt.place,
    }
    if attempt.version is None:
        tx.defer(_ATTEMPT, row)
    else:
        tx.defer(_ATTEMPT_BY_OTHER_CODE, row | {"version": attempt.version})


def advance(tx: Transaction, run: Run) -> None:
    """The run goes on to `run.step`."""
    _guarded(tx, _ADVANCE, run, {"to": run.step, "since": run.step_since})


def pass_over(tx: Transaction, run: Run) -> None:
    """The run goes on to `run.step`, and remembers in its reason what it has left behind."""
    _guarded(tx, _PASS_OVER, run, {"because": run.reason, "to": run.step, "since": run.step_since})


def complete(tx: Transaction, run: Run) -> None:
    """All steps are done."""
    _guarded(tx, _COMPLETE, run, {"since": tx.home.clock.now()})


def turn_back(tx: Transaction, run: Run) -> None:
    """The run undoes `run.step` next."""
    where = {"to": run.step, "since": run.step_since, "attempts": run.attempt}
    _guarded(tx, _BACK, run, _decided(run) | where)


def end(tx: Transaction, run: Run) -> None:
    """There is nothing left to do or to undo."""
    _guarded(tx, _END, run, _decided(run) | {"now_in": run.state, "since": tx.home.clock.now()})


def end_short(tx: Transaction, run: Run) -> None:
    """Every step has had its turn, but not all are done: `run.step` is the first to do again."""
    bound = {"now_in": run.state, "to": run.step, "since": tx.home.clock.now()}
    _guarded(tx, _END_SHORT, run, _decided(run) | bound)


def give_up(tx: Transaction, run: Run) -> None:
    """The run is a dead letter, even if it was cancelled: nobody can carry it on."""
    _guarded(tx, _DEAD_LETTER, run, _decided(run) | {"now_in": run.state, "since": tx.home.clock.now()})


def put_off(tx: Transaction, run: Run, delay: timedelta) -> None:
    """The run waits, without an owner, until it is due."""
    due = seconds(tx.home.clock.skew_seconds + delay.total_seconds())
    _guarded(tx, _PUT_OFF, run, {"now_in": run.state, "delay": due, "attempts": run.attempt, "failures": run.errors})


def put_aside(tx: Transaction, run: Run, delay: timedelta) -> None:
    """The run waits, without an owner and without an attempt."""
    due = seconds(tx.home.clock.skew_seconds + delay.total_seconds())
    _guarded(tx, _PUT_ASIDE, run, {"now_in": run.state, "delay": due})


def _decided(run: Run) -> dict[str, Any]:
    return {"ends": run.ending, "because": run.reason, "owed": run.undo_failure}


def _guarded(tx: Transaction, statement: Update, run: Run, values: dict[str, Any]) -> None:
    ours: dict[str, Any] = {"of": run.id, "mine": tx.home.process_id, "under": run.fence, "moves": run.tries}
    if run.serial is not None and run.state.is_terminal:
        tx.wake(LineMovesUp(run.serial))
    tx.defer(statement, ours | values, otherwise=Fenced(f"run {run.id} belongs to somebody else, or is cancelled"))
