"""Where each kind of step runs: in the committer, on the event loop, or in a thread."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial

from sqlalchemy import Engine

from pipelines.committer import Committer
from pipelines.errors import StepTimeout
from pipelines.run import RunState
from pipelines.step import Kind, StepContext
from pipelines.transaction import ReadSession
from pipelines.worker import moves
from pipelines.worker.hand import Hand, Interrupted, Interruption
from pipelines.worker.insisting import insist
from pipelines.worker.moves import Held
from pipelines.worker.wiring import Occasion, WiredStep


class Performer:
    """Performs one attempt: gives what the step returned, or for a transaction step the whole move."""

    def __init__(
        self, committer: Committer, readers: Engine, threads: Executor, *, lease_is_sure: Callable[[], bool]
    ) -> None:
        self._committer = committer
        self._lease_is_sure = lease_is_sure
        self._readers = readers
        self._threads = threads

    async def perform(self, held: Held, hand: Hand) -> object:
        """Raises what the step raises."""
        step = current_step(held)
        occasion = Occasion(payload=held.payload, results=held.run.results, context=partial(_context, held))
        match step.step.kind:
            case Kind.TRANSACTION:
                return await insist(self._committer, moves.perform, held, occasion)
            case Kind.ACTION:
                return await self._call(step, occasion, hand)
            case Kind.COMPUTE:
                loop = asyncio.get_running_loop()
                return await loop.run_in_executor(self._threads, self._compute, step, occasion)

    async def _call(self, step: WiredStep, occasion: Occasion, hand: Hand) -> object:
        """No writing transaction is open while this waits, and no effect starts under a lease that may have ended."""
        if not self._lease_is_sure():
            raise Interrupted(Interruption.LEASE_UNSURE)
        timeout = step.step.timeout
        with hand:
            if timeout is None:
                return await step.call(occasion)
            limit = asyncio.timeout(timeout.total_seconds())
            try:
                async with limit:
                    return await step.call(occasion)
            except TimeoutError:
                if limit.expired():
                    raise StepTimeout(timeout) from None
                raise

    def _compute(self, step: WiredStep, occasion: Occasion) -> object:
        with ReadSession(self._readers) as session:  # connects only if the step reads
            occasion.session = session
            return step.call(occasion)


def current_step(held: Held) -> WiredStep:
    """The step to do or, while undoing, the undo of the step to undo."""
    step = held.wired.steps[held.run.step]
    return step.undo if held.run.state is RunState.UNDOING and step.undo is not None else step


def _context(held: Held) -> StepContext:
    run = held.run
    return StepContext(run_id=run.id, step=run.step, attempt=run.attempt + 1, idempotency_key=run.idempotency_key)
