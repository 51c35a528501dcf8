"""Where each kind of step runs: in the committer, on the event loop, or in a thread."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from datetime import timedelta
from functools import partial
from inspect import isawaitable

from sqlalchemy import Engine

from pipelines.clock import Clock
from pipelines.committer import Committer
from pipelines.errors import DeadlinePassed, StepTimeout
from pipelines.run import Progress, Run, RunState
from pipelines.step import Kind, StepContext, unheard
from pipelines.transaction import ReadSession
from pipelines.worker import moves
from pipelines.worker.hand import Hand, Interrupted, Interruption
from pipelines.worker.insisting import insist
from pipelines.worker.moves import Held
from pipelines.worker.rooms import Rooms
from pipelines.worker.wiring import Occasion, WiredStep


class Performer:
    """Performs one attempt: gives what the step returned, or for a transaction step the whole move."""

    def __init__(
        self,
        committer: Committer,
        readers: Engine,
        threads: Executor,
        *,
        heard: Callable[[Run, Progress], None],
        lease_is_sure: Callable[[], bool],
        slots: int,
        clock: Clock,
    ) -> None:
        self._committer = committer
        self._heard = heard
        self._lease_is_sure = lease_is_sure
        self._readers = readers
        self._threads = threads
        self._clock = clock
        self._rooms = Rooms(clock, slots=slots)

    async def perform(self, held: Held, hand: Hand) -> object:
        """Raises what the step raises, or `NoRoom` before it began."""
        step = current_step(held)
        to = step.step.to
        if to is None or step.step.kind is Kind.TRANSACTION:  # the undo of a call may be ours alone
            return await self._perform(step, held, hand)
        return await self._rooms.of(to, held.payload).bear(
            partial(self._perform, step, held, hand), is_retry=held.run.attempt > 0
        )

    async def _perform(self, step: WiredStep, held: Held, hand: Hand) -> object:
        occasion = Occasion(payload=held.payload, results=held.run.results, context=partial(self._context, held))
        match step.step.kind:
            case Kind.TRANSACTION:
                return await insist(self._committer, moves.perform, held, occasion)
            case Kind.ACTION:
                return await self._call(step, occasion, held.run, hand)
            case Kind.COMPUTE:
                loop = asyncio.get_running_loop()
                result = await loop.run_in_executor(self._threads, self._compute, step, occasion)
                return await self._awaited(result, hand) if isawaitable(result) else result

    def _context(self, held: Held) -> StepContext:
        run = held.run
        return StepContext(
            run_id=run.id,
            step=run.step,
            attempt=run.attempt + 1,
            idempotency_key=run.idempotency_key,
            deadline=run.must_end_by,
            listener=unheard if current_step(held).step.kind is Kind.TRANSACTION else partial(self._heard, run),
        )

    async def _call(self, step: WiredStep, occasion: Occasion, run: Run, hand: Hand) -> object:
        """No writing transaction is open while this waits, and no effect starts under a lease that may have ended."""
        if not self._lease_is_sure():
            raise Interrupted(Interruption.LEASE_UNSURE)
        with hand:
            if step.step.timeout is None and run.must_end_by is None:
                return await step.call(occasion)
            seconds, expiry = self._limit(step.step.timeout, run)
            limit = asyncio.timeout(seconds)
            try:
                async with limit:
                    return await step.call(occasion)
            except TimeoutError:
                if limit.expired():
                    raise expiry from None
                raise

    def _limit(self, timeout: timedelta | None, run: Run) -> tuple[float | None, Exception]:
        """How long a call may take, and what it means if it takes longer."""
        if run.must_end_by is not None:
            left = run.must_end_by - self._clock.now()
            if timeout is None or left < timeout:
                return left.total_seconds(), DeadlinePassed(run.step)
        return (None, DeadlinePassed(run.step)) if timeout is None else (timeout.total_seconds(), StepTimeout(timeout))

    async def _awaited(self, result: Awaitable[object], hand: Hand) -> object:
        """A `def` may return what is to be awaited: a decorated `async def` looks like that."""
        with hand:
            return await result

    def _compute(self, step: WiredStep, occasion: Occasion) -> object:
        with ReadSession(self._readers) as session:  # connects only if the step reads
            occasion.session = session
            return step.call(occasion)


def current_step(held: Held) -> WiredStep:
    """The step to do or, while undoing, the undo of the step to undo."""
    step = held.wired.steps[held.run.step]
    return step.undo if held.run.state is RunState.UNDOING and step.undo is not None else step
