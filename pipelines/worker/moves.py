"""How a run moves: transaction functions, each of which writes the attempt and where the run then stands.

What must change together with a move (a step's `then`, the pipeline's `at_end`) is called in the same transaction.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from pipelines.decisions import Continue, Decision, PassOver, Postpone, RetryLater, UndoAll
from pipelines.errors import DeadlinePassed, Reject, WithEvidence
from pipelines.journal import recording
from pipelines.run import Attempt, AttemptOutcome, Ending, Run, RunState
from pipelines.step import Kind, Step
from pipelines.transaction import Transaction
from pipelines.worker.wiring import Occasion, WiredPipeline

LONGEST_ERROR = 1000
LEFT_FOR = timedelta(minutes=1)
LONGEST_MENTION = 200  # of one failure among several in the reason of a run


@dataclass(frozen=True, slots=True)
class Moved:
    """The run after a move, the attempt that moved it if one did, and whether it is still in its owner's hands."""

    run: Run
    attempt: Attempt | None
    still_ours: bool
    delay: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """A run in the hands of its owner, with what was read from it once."""

    run: Run
    wired: WiredPipeline
    payload: Any


Move = Callable[[Transaction, Held, Attempt], Moved]


def hold(run: Run, wired: WiredPipeline) -> Held:
    """Read what the journal keeps of the run. Raises what its types raise when this code cannot, or `UnknownStep`."""
    pipeline = wired.pipeline
    results = {step: pipeline.decode_kept(step, kept) for step, kept in run.results.items()}
    placed = replace(run, step=pipeline.place_of(run.step), results=results)
    payload = pipeline.decode(run.payload)
    return Held(placed, wired.unfolded(payload), payload)


def has_to_turn(held: Held) -> bool:
    """Whether it stands at a step that is not to be done: it was cancelled while nobody was at it, or quarantined."""
    if held.run.state is not RunState.UNDOING:
        return held.run.state is RunState.QUARANTINED
    step = held.wired.pipeline.step_named(held.run.step)
    may_have_happened = step.kind is not Kind.TRANSACTION or step.name in held.run.results
    return not (step.undo is not None and may_have_happened and step.name not in held.run.undone)


def move_after(decision: Decision, held: Held) -> Move:
    """Choose the transaction function that writes down what follows an attempt."""
    match decision:
        case Postpone(pause=delay) | RetryLater(delay=delay):
            return partial(put_off, delay=delay)
        case _ if held.run.state is RunState.UNDOING:
            return go_back
        case PassOver():
            return pass_over
        case UndoAll(error=error):
            ending = RunState.REJECTED if decision.is_refusal else RunState.FAILED
            return partial(turn_back, ending=ending, reason=said(error))
        case Continue(result=result):
            return partial(go_on, result=result)


def said(error: Exception) -> str:
    """Say in a line what went wrong, fit to be stored: what we say ourselves in plain words, else with its kind."""
    if isinstance(error, SQLAlchemyError):  # its text has statement and parameters, and the driver's has hosts and rows
        origin = getattr(error, "orig", None)
        return f"{type(error).__name__} ({type(origin).__name__})" if origin is not None else type(error).__name__
    text = str(error) if isinstance(error, Reject | DeadlinePassed) else f"{type(error).__name__}: {error}"
    return _storable(text)[:LONGEST_ERROR]


def shown_by(error: Exception) -> str | None:
    """What the error has brought along to be kept with its attempt."""
    return _storable(error.evidence) if isinstance(error, WithEvidence) and error.evidence is not None else None


def _storable(text: str) -> str:
    return text.replace("\x00", "").encode(errors="replace").decode()


def attempt_of(
    held: Held,
    started: datetime,
    finished: datetime,
    outcome: AttemptOutcome,
    *,
    error: str | None = None,
    result: str | None = None,
) -> Attempt:
    """Describe the try that has just been made at the run's step."""
    run = held.run
    return Attempt(
        step=run.step,
        direction=run.direction,
        number=run.attempt + 1,
        place=run.tries + 1,
        outcome=outcome,
        started_at=started,
        finished_at=finished,
        error=error,
        result=result,
        version=held.wired.pipeline.written_by,
    )


def kept(held: Held, result: Any) -> str | None:
    """What the journal keeps of a result; of an undo's, nothing."""
    undoing = held.run.state is RunState.UNDOING
    return None if undoing else held.wired.pipeline.encode_result(held.run.step, result)


def perform(tx: Transaction, held: Held, occasion: Occasion) -> Moved:
    """A transaction step or undo: its effect and its attempt row in one COMMIT."""
    run, started = held.run, tx.home.clock.now()
    step = held.wired.steps[run.step]
    undoing = run.state is RunState.UNDOING
    occasion.tx = tx
    result = (step.undo if undoing and step.undo else step).call(occasion)
    attempt = attempt_of(held, started, tx.home.clock.now(), AttemptOutcome.SUCCESS, result=kept(held, result))
    return go_back(tx, held, attempt) if undoing else go_on(tx, held, attempt, result)


def go_on(tx: Transaction, held: Held, attempt: Attempt, result: Any) -> Moved:
    """The step is done: on to the next, or to the end."""
    run, wired = held.run, held.wired
    recording.save_attempt(tx, run, attempt)
    results = {**run.results, run.step: result}
    then = wired.steps[run.step].then
    if then is not None:
        then(Occasion(payload=held.payload, results=results, tx=tx))
    following = _following(held, results)
    if following is not None:
        moved = run.at_step(following.name, attempt.finished_at, results)
        recording.advance(tx, moved)
    elif run.reason is not None:
        moved = _end_short(tx, held, run.reason, results)
    else:
        moved = run.ended(RunState.COMPLETED)
        _settle(tx, held, moved)
        recording.complete(tx, moved)
    return Moved(moved, attempt, still_ours=following is not None)


def pass_over(tx: Transaction, held: Held, attempt: Attempt) -> Moved:
    """The step is given up, and the following ones have their turn all the same."""
    run = held.run
    recording.save_attempt(tx, run, attempt)
    failure = f"{run.step}: {attempt.error}"[:LONGEST_MENTION]
    reason = failure if run.reason is None else f"{run.reason}; {failure}"
    following = _following(held, run.results)
    if following is None:
        moved = _end_short(tx, held, reason, run.results)
    else:
        moved = replace(run.at_step(following.name, attempt.finished_at, run.results), reason=reason)
        recording.pass_over(tx, moved)
    return Moved(moved, attempt, still_ours=following is not None)


def put_off(tx: Transaction, held: Held, attempt: Attempt, delay: timedelta) -> Moved:
    """Another attempt, later."""
    counted = attempt.outcome is AttemptOutcome.RETRY
    moved, delay = held.run.postponed(counted=counted), _until_deadline(tx, held.run, delay)
    recording.save_attempt(tx, held.run, attempt)
    recording.put_off(tx, moved, delay)
    return Moved(moved, attempt, still_ours=False, delay=delay)


def put_aside(tx: Transaction, held: Held, delay: timedelta) -> Moved:
    """There was no room for a call: the same attempt, later."""
    moved, delay = held.run.put_aside(), _until_deadline(tx, held.run, delay)
    recording.put_aside(tx, moved, delay)
    return Moved(moved, None, still_ours=False, delay=delay)


def _until_deadline(tx: Transaction, run: Run, delay: timedelta) -> timedelta:
    """A run that waits is woken at its deadline."""
    if run.must_end_by is None:
        return delay
    return min(delay, max(run.must_end_by - tx.home.clock.now(), timedelta(0)))


def is_late(run: Run, now: datetime) -> bool:
    """Whether its time was up before this attempt."""
    return run.must_end_by is not None and now >= run.must_end_by


def turn_back(tx: Transaction, held: Held, attempt: Attempt | None, ending: RunState, reason: str | None) -> Moved:
    """There is no way forward: undo what was done, beginning with this step if it may have happened."""
    if attempt is not None:
        recording.save_attempt(tx, held.run, attempt)
    if held.run.state is RunState.QUARANTINED:  # an undo may kill as the step did
        return _backwards(tx, held, attempt, undo=None, ending=ending, reason=reason)
    undo = held.wired.pipeline.first_undo(held.run.step, held.run.undone)
    return _backwards(tx, held, attempt, undo=undo, ending=ending, reason=reason)


def go_back(tx: Transaction, held: Held, attempt: Attempt) -> Moved:
    """The undo is done, or given up: on to the one before."""
    run = held.run
    recording.save_attempt(tx, run, attempt)
    if attempt.outcome is not AttemptOutcome.SUCCESS:
        run = run.left_undone(f"; undoing {run.step} was given up: {attempt.error}")
    undo = held.wired.pipeline.undo_before(run.step, run.undone)
    ending = run.ending or RunState.FAILED
    return _backwards(tx, replace(held, run=run), attempt, undo=undo, ending=ending, reason=run.reason)


def give_up(tx: Transaction, run: Run, attempt: Attempt | None, reason: str) -> Moved:
    """The last way out, when the end itself fails: the run is a dead letter, and its record stays as it was."""
    if attempt is not None:
        recording.save_attempt(tx, run, attempt)
    if run.goes_back:  # and may go on with that later
        so_far = run.reason or ""
        run = run.left_undone(reason.removeprefix(so_far) if reason.startswith(so_far) else f"; {reason}")
        reason = run.reason or reason
    moved = run.ended(_last_state(run, RunState.FAILED), reason)
    recording.give_up(tx, moved)
    return Moved(moved, attempt, still_ours=False)


def leave(tx: Transaction, run: Run) -> None:
    """It stands before a step that only other code has: left to that code, as it stands."""
    kept = run.state in {RunState.UNDOING, RunState.QUARANTINED}
    recording.put_aside(tx, run if kept else replace(run, state=RunState.WAITING), LEFT_FOR)


def _following(held: Held, results: Mapping[str, Any]) -> Step | None:
    """The next step; what may fail can have been done already, by a run that was then tried again."""
    step = held.wired.pipeline.step_after(held.run.step)
    while step is not None and step.may_fail and step.name in results:
        step = held.wired.pipeline.step_after(step.name)
    return step


def _end_short(tx: Transaction, held: Held, reason: str, results: Mapping[str, Any]) -> Run:
    """The run has failed; it stays at the first step that is not done, where it would be tried again."""
    missing = next(step.name for step in held.wired.pipeline.steps if step.name not in results)
    moved = replace(held.run.ended(RunState.FAILED, reason), step=missing)
    _settle(tx, held, moved)
    recording.end_short(tx, moved)
    return moved


def _backwards(
    tx: Transaction, held: Held, attempt: Attempt | None, *, undo: Step | None, ending: RunState, reason: str | None
) -> Moved:
    if undo is None:
        moved = held.run.ended(_last_state(held.run, ending), reason)
        _settle(tx, held, moved)
        recording.end(tx, moved)
    else:
        moved = held.run.turned_back(ending, reason, step=undo.name, since=tx.home.clock.now())
        recording.turn_back(tx, moved)
    return Moved(moved, attempt, still_ours=undo is not None)


def _last_state(run: Run, ending: RunState) -> RunState:
    """A quarantined run stays so, and one that is undone in part has failed."""
    if run.state is RunState.QUARANTINED:
        return RunState.QUARANTINED
    return ending if run.undo_failure is None else RunState.FAILED


def _settle(tx: Transaction, held: Held, run: Run) -> None:
    """Set the record's final state in the transaction that ends the run."""
    if held.wired.end is not None:
        ending = Ending(run.state, run.reason)
        held.wired.end(Occasion(payload=held.payload, results=run.results, tx=tx, ending=ending))
