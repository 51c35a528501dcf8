"""One run, from step to step: perform, decide what follows, write it down."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from pipelines.clock import Clock
from pipelines.committer import Committer
from pipelines.decisions import Continue, Decision, PassOver, Postpone, RetryLater, UndoAll, decide, is_worth_a_delay
from pipelines.errors import DeadlinePassed, Fenced, JournalError, Reject, UnknownStep
from pipelines.events import (
    Events,
    RunFinished,
    RunLeft,
    RunPutAside,
    StepAbandoned,
    StepAttempted,
    StepBegun,
    StepRaised,
    WriteRefused,
)
from pipelines.journal import claiming
from pipelines.retry import Retry, Tried
from pipelines.run import Attempt, AttemptOutcome, Run, RunState
from pipelines.worker import moves
from pipelines.worker.faults import Performs
from pipelines.worker.hand import Hand, Interrupted, Interruption
from pipelines.worker.insisting import insist
from pipelines.worker.moves import Held, Moved
from pipelines.worker.performing import current_step
from pipelines.worker.progress import ProgressWriter
from pipelines.worker.quiet_room import QuietRoom
from pipelines.worker.rooms import NoRoom
from pipelines.worker.wiring import WiredPipeline

Dice = Callable[[Retry, Exception, Tried], timedelta]


class Runner:
    """Takes runs as far as they go. It owns nothing: journal, clock, dice and events are handed in."""

    def __init__(
        self,
        committer: Committer,
        performer: Performs,
        wired: Mapping[tuple[str, str], WiredPipeline],
        *,
        progress: ProgressWriter,
        clock: Clock,
        dice: Dice,
        events: Events,
    ) -> None:
        self._committer = committer
        self._performer = performer
        self._wired = wired
        self._progress = progress
        self._clock = clock
        self._dice = dice
        self._events = events

    async def carry_on(self, run: Run, hand: Hand, room: QuietRoom) -> timedelta | None:
        """Until the run ends, waits (then it is said for how long), or has to be handed over (`Interrupted`).

        Raises `Fenced` when the run is somebody else's by now.
        """
        if room.is_shut:
            await room.pause(run.id)
        try:
            held = moves.hold(run, self._wired[run.pipeline, run.version])
        except UnknownStep:
            await self._left(run)
            return None
        except Exception as error:  # noqa: BLE001 - the types of input and results are foreign code: they may not read it
            moved = await insist(self._committer, moves.give_up, run, None, f"cannot be read: {moves.said(error)}")
            self._report(run, moved)
            return None
        while True:
            hand.pause_between_steps()
            attempt = self._followed if self._events.are_steps_followed else self._attempt
            moved = await attempt(held, hand)
            self._report(held.run, moved)
            if not moved.still_ours:
                return moved.delay
            held = replace(held, run=moved.run)
            if room.is_shut:
                room.leave(run.id)
                await room.pause(run.id)

    async def _left(self, run: Run) -> None:
        """Other code, perhaps of a process that runs beside this one, can carry it on: nothing is lost by waiting."""
        try:
            await insist(self._committer, moves.leave, run)
        except Fenced:  # somebody has cancelled it just now: it is freed instead
            raise Interrupted(Interruption.LEAVING) from None
        self._events.emit(RunLeft(run.id, run.pipeline, run.version, run.step))

    async def _followed(self, held: Held, hand: Hand) -> Moved:
        """An attempt whose beginning is told too; so must be its end, whatever happens."""
        run, moved = held.run, None
        function = current_step(held).step.qualified_name
        self._events.emit(
            StepBegun(run.id, run.pipeline, run.step, run.direction, run.attempt + 1, run.traceparent, function)
        )
        try:
            moved = await self._attempt(held, hand)
            return moved
        finally:
            if moved is None or moved.attempt is None:
                self._events.emit(StepAbandoned(run.id))

    async def _attempt(self, held: Held, hand: Hand) -> Moved:
        """One try at one step, or at its undo. What follows is on disk when this returns."""
        if moves.has_to_turn(held):
            return await self._turn(held, None)
        started = self._clock.now()
        if moves.is_late(held.run, started):
            return await self._too_late(held, hand)
        try:
            outcome = await self._outcome(held, hand)
        except NoRoom as full:
            return await self._put_aside(held, hand, full)
        except (Fenced, Interrupted) as broken_off:
            if isinstance(broken_off, Interrupted) and broken_off.interruption is not Interruption.CANCELLED:
                raise
            return await self._turned_back(held, hand, self._cancelled(held, started))
        if isinstance(outcome, Moved):  # a transaction step: effect, attempt row and move are one COMMIT
            return outcome
        if not self._progress.is_silent:
            await self._progress.said_by(held.run)
        return await self._recorded(held, hand, started, self._decision(held, outcome))

    async def _outcome(self, held: Held, hand: Hand) -> object:
        try:
            return await self._performer.perform(held, hand)
        except (JournalError, Interrupted, NoRoom):  # not the step's failure: whoever owns the run carries it on
            raise
        except Exception as error:  # noqa: BLE001 - foreign code: here, and only here, its failure is a value
            return error

    def _decision(self, held: Held, outcome: object) -> Decision:
        """What follows from the outcome; what was raised is told."""
        decision = self._judged(held, outcome)
        if isinstance(outcome, Exception):
            run, is_final = held.run, isinstance(decision, PassOver | UndoAll)
            self._events.emit(StepRaised(run.id, run.pipeline, run.step, outcome, is_final))
        return decision

    def _judged(self, held: Held, outcome: object) -> Decision:
        step = current_step(held).step
        retry = step.retry
        tried = Tried(held.run.errors + 1, self._clock.now() - held.run.step_since)
        try:
            delay = timedelta(0)
            if isinstance(outcome, Exception) and is_worth_a_delay(retry, outcome, tried):
                delay = self._dice(retry, outcome, tried)
            return decide(retry, outcome, tried, delay=delay, may_fail=step.may_fail)
        except Exception as error:  # noqa: BLE001 - a strategy is foreign code too: who cannot judge gives up
            return UndoAll(error)

    async def _too_late(self, held: Held, hand: Hand) -> Moved:
        late = DeadlinePassed(held.run.step)
        return await self._recorded(
            replace(held, run=replace(held.run, reason=moves.said(late))), hand, None, UndoAll(late)
        )

    async def _put_aside(self, held: Held, hand: Hand, full: NoRoom) -> Moved:
        try:
            moved = await insist(self._committer, moves.put_aside, held, full.delay)
        except Fenced:
            return await self._turned_back(held, hand, None)
        run = held.run
        self._events.emit(RunPutAside(run.id, run.pipeline, run.step, full.destination, full.delay.total_seconds()))
        return moved

    async def _recorded(self, held: Held, hand: Hand, started: datetime | None, decision: Decision) -> Moved:
        """Write down what follows. Whatever fails in `then` or `at_end`, the run goes back or ends.

        Without a start there was no attempt.
        """
        try:
            return await self._written(held, hand, self._tried(held, started, decision), decision)
        except JournalError:
            raise
        except Exception as error:  # noqa: BLE001 - `then`, `at_end` and what a result's type does are foreign code too
            if isinstance(decision, Continue) and held.run.state is not RunState.UNDOING:
                return await self._recorded(held, hand, started, UndoAll(error))
            return await self._given_up(held, self._tried(held, started, decision), error)

    async def _written(self, held: Held, hand: Hand, attempt: Attempt | None, decision: Decision) -> Moved:
        try:
            return await insist(self._committer, moves.move_after(decision, held), held, attempt)
        except Fenced:
            return await self._turned_back(held, hand, attempt)

    async def _turned_back(self, held: Held, hand: Hand, attempt: Attempt | None) -> Moved:
        """A write was refused. Either somebody has cancelled the run under us, or it is no longer ours."""
        again = None
        try:
            again = await insist(self._committer, claiming.ours_again, held.run)
        finally:
            if again is None:
                self._events.emit(WriteRefused(held.run.id, held.run.pipeline))
        if again is None or again.ending is None:
            raise Fenced(f"run {held.run.id} belongs to somebody else")
        hand.heed_cancellation()
        return await self._turn(replace(held, run=replace(again, results=held.run.results)), attempt)

    async def _turn(self, held: Held, attempt: Attempt | None) -> Moved:
        """The run's ending is decided: from here on it goes back."""
        run = held.run
        try:
            return await insist(self._committer, moves.turn_back, held, attempt, run.ending, run.reason)
        except JournalError:
            raise
        except Exception as error:  # noqa: BLE001 - `at_end` is foreign code too, and the run must end
            return await self._given_up(held, attempt, error)

    async def _given_up(self, held: Held, attempt: Attempt | None, error: Exception) -> Moved:
        so_far = (attempt and attempt.error) or held.run.reason or "done"
        reason = f"{so_far}, but its end failed: {moves.said(error)}"
        return await insist(self._committer, moves.give_up, held.run, attempt, reason)

    def _cancelled(self, held: Held, started: datetime) -> Attempt:
        return moves.attempt_of(held, started, self._clock.now(), AttemptOutcome.CANCELLED)

    def _tried(self, held: Held, started: datetime | None, decision: Decision) -> Attempt | None:
        if started is None:
            return None
        finished = self._clock.now()
        match decision:
            case Continue(result):
                kept = moves.kept(held, result)
                return moves.attempt_of(held, started, finished, AttemptOutcome.SUCCESS, result=kept)
            case Postpone(error=error):
                outcome = AttemptOutcome.THROTTLED
            case RetryLater(error=error):
                outcome = AttemptOutcome.RETRY
            case PassOver(error=error) | UndoAll(error=error):
                outcome = AttemptOutcome.REJECTED if isinstance(error, Reject) else AttemptOutcome.FAILED
        said, shown = moves.said(error), moves.shown_by(error)
        return moves.attempt_of(held, started, finished, outcome, error=said, result=shown)

    def _report(self, before: Run, moved: Moved) -> None:
        """A wall clock may jump back, so durations are never less than nothing."""
        if moved.attempt is not None:
            self._report_attempt(before, moved.attempt)
        if moved.run.state.is_terminal:
            took = max(timedelta(0), self._clock.now() - before.created_at)
            self._events.emit(RunFinished(before.id, before.pipeline, moved.run.state, took.total_seconds()))

    def _report_attempt(self, before: Run, attempt: Attempt) -> None:
        self._events.emit(
            StepAttempted(
                run_id=before.id,
                pipeline=before.pipeline,
                step=attempt.step,
                kind=attempt.direction,
                attempt=attempt.number,
                outcome=attempt.outcome,
                waited_seconds=max(0.0, (attempt.started_at - before.step_since).total_seconds()),
                seconds=max(0.0, attempt.took.total_seconds()),
                error=attempt.error,
            )
        )
