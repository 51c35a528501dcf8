"""One run, from step to step: perform, decide what follows, write it down."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from pipelines.clock import Clock
from pipelines.committer import Committer
from pipelines.decisions import Continue, Decision, Postpone, RetryLater, UndoAll, decide
from pipelines.errors import Fenced, JournalError
from pipelines.events import Events, RunFinished, StepAttempted, WriteRefused
from pipelines.journal import claiming
from pipelines.retry import Retry, Tried
from pipelines.run import Attempt, AttemptOutcome, Run, RunState
from pipelines.worker import moves
from pipelines.worker.hand import Hand, Interrupted, Interruption
from pipelines.worker.insisting import insist
from pipelines.worker.moves import Held, Moved
from pipelines.worker.performing import Performer, current_step
from pipelines.worker.wiring import WiredPipeline

Dice = Callable[[Retry, Exception, Tried], timedelta]


class Runner:
    """Takes runs as far as they go. It owns nothing: journal, clock, dice and events are handed in."""

    def __init__(
        self,
        committer: Committer,
        performer: Performer,
        wired: Mapping[tuple[str, str], WiredPipeline],
        *,
        clock: Clock,
        dice: Dice,
        events: Events,
    ) -> None:
        self._committer = committer
        self._performer = performer
        self._wired = wired
        self._known = {key: each.pipeline for key, each in wired.items()}
        self._clock = clock
        self._dice = dice
        self._events = events

    async def carry_on(self, run: Run, hand: Hand) -> timedelta | None:
        """Until the run ends, waits (then it is said for how long), or has to be handed over (`Interrupted`).

        Raises `Fenced` when the run is somebody else's by now.
        """
        wired = self._wired[run.pipeline, run.version]
        held = Held(run, wired, wired.pipeline.decode(run.payload))
        while True:
            hand.pause_between_steps()
            moved = await self._attempt(held, hand)
            self._report(held.run, moved)
            if not moved.still_ours:
                return moved.delay
            held = Held(moved.run, wired, held.payload)

    async def _attempt(self, held: Held, hand: Hand) -> Moved:
        """One try at one step, or at its undo. What follows is on disk when this returns."""
        started = self._clock.now()
        try:
            outcome = await self._outcome(held, hand)
        except Fenced:
            return await self._turned_back(held, hand, self._cancelled(held, started))
        except Interrupted as interrupted:
            if interrupted.interruption is not Interruption.CANCELLED:
                raise
            return await self._turned_back(held, hand, self._cancelled(held, started))
        if isinstance(outcome, Moved):  # a transaction step: effect, attempt row and move are one COMMIT
            return outcome
        decision = self._decision(held, outcome)
        return await self._recorded(held, hand, started, decision)

    async def _outcome(self, held: Held, hand: Hand) -> object:
        try:
            return await self._performer.perform(held, hand)
        except (JournalError, Interrupted):  # not the step's failure: whoever owns the run carries it on
            raise
        except Exception as error:  # noqa: BLE001 - foreign code: here, and only here, its failure is a value
            return error

    def _decision(self, held: Held, outcome: object) -> Decision:
        retry = current_step(held).step.retry
        tried = Tried(held.run.errors + 1, self._clock.now() - held.run.step_since)
        delay = self._dice(retry, outcome, tried) if isinstance(outcome, Exception) else timedelta(0)
        return decide(retry, outcome, tried, delay=delay)

    async def _recorded(self, held: Held, hand: Hand, started: datetime, decision: Decision) -> Moved:
        attempt = self._tried(held, started, decision)
        try:
            return await insist(self._committer, moves.move_after(decision, held), held, attempt)
        except Fenced:
            return await self._turned_back(held, hand, attempt)
        except JournalError:
            raise
        except Exception as error:  # noqa: BLE001 - `then` and `at_end` are foreign code too, and the run must end
            if isinstance(decision, Continue) and held.run.state is not RunState.UNDOING:
                return await self._recorded(held, hand, started, UndoAll(error))
            reason = f"{attempt.error or 'done'}, but its end failed: {moves.said(error)}"
            return await insist(self._committer, moves.give_up, held, attempt, reason)

    async def _turned_back(self, held: Held, hand: Hand, attempt: Attempt) -> Moved:
        """A write was refused. Either somebody has cancelled the run under us, or it is no longer ours."""
        self._events.emit(WriteRefused(held.run.id, held.run.pipeline))
        again = await insist(self._committer, claiming.ours_again, self._known, held.run)
        if again is None or again.ending is None:
            raise Fenced(f"run {held.run.id} belongs to somebody else")
        hand.heed_cancellation()
        return await insist(
            self._committer, moves.turn_back, Held(again, held.wired, held.payload), attempt, again.ending, again.reason
        )

    def _cancelled(self, held: Held, started: datetime) -> Attempt:
        return moves.attempt_of(held, started, self._clock.now(), AttemptOutcome.CANCELLED)

    def _tried(self, held: Held, started: datetime, decision: Decision) -> Attempt:
        finished = self._clock.now()
        match decision:
            case Continue(result):
                kept = held.wired.pipeline.encode_result(held.run.step, result)
                return moves.attempt_of(held, started, finished, AttemptOutcome.SUCCESS, result=kept)
            case Postpone(error=error):
                return moves.attempt_of(held, started, finished, AttemptOutcome.THROTTLED, error=moves.said(error))
            case RetryLater(error=error):
                return moves.attempt_of(held, started, finished, AttemptOutcome.RETRY, error=moves.said(error))
            case UndoAll(error=error):
                outcome = AttemptOutcome.REJECTED if decision.is_refusal else AttemptOutcome.FAILED
                return moves.attempt_of(held, started, finished, outcome, error=moves.said(error))

    def _report(self, before: Run, moved: Moved) -> None:
        attempt = moved.attempt
        self._events.emit(
            StepAttempted(
                run_id=before.id,
                pipeline=before.pipeline,
                step=attempt.step,
                kind=attempt.direction,
                attempt=attempt.number,
                outcome=attempt.outcome,
                waited_seconds=max(0.0, (attempt.started_at - before.step_since).total_seconds()),
                seconds=attempt.took.total_seconds(),
                error=attempt.error,
            )
        )
        if moved.run.state.is_terminal:
            took = (attempt.finished_at - before.created_at).total_seconds()
            self._events.emit(RunFinished(before.id, before.pipeline, moved.run.state, took))
