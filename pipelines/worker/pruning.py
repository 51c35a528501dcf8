"""What has ended long ago is deleted, whenever nobody waits for the committer."""

import asyncio
from datetime import timedelta

from sqlalchemy import Engine

from pipelines.clock import Clock
from pipelines.committer import Committer
from pipelines.events import Events, RunsPruned
from pipelines.journal import pruning
from pipelines.retention import Retention
from pipelines.transaction import ReadSession
from pipelines.worker.upkeep import Duty

BETWEEN_SLICES = timedelta(seconds=0.1)
BETWEEN_PASSES = timedelta(minutes=10)
WHILE_BUSY = timedelta(seconds=1)
SETTLING_IN = timedelta(minutes=1)


class Pruner:
    """Goes through the runs from the oldest on, a slice at each look, and then begins anew."""

    def __init__(
        self, retention: Retention, committer: Committer, readers: Engine, clock: Clock, events: Events
    ) -> None:
        self._ages = retention.ages
        self._committer = committer
        self._readers = readers
        self._clock = clock
        self._events = events
        self._came_to = pruning.FIRST

    @property
    def duty(self) -> Duty:
        return Duty(self.look, at_first=SETTLING_IN)

    async def look(self) -> timedelta:
        """Delete one slice if there is one, and say when to look again."""
        if not self._committer.is_idle:
            return WHILE_BUSY
        doomed = await asyncio.to_thread(self._read)
        if doomed is not None and doomed.ids:
            self._events.emit(RunsPruned(await self._committer.progress(pruning.prune, doomed)))
        if doomed is not None and not doomed.is_last:
            self._came_to = doomed.came_to
            return BETWEEN_SLICES
        self._came_to = pruning.FIRST
        return await self._end_pass()

    def _read(self) -> pruning.Slice | None:
        if not self._ages:
            return None
        with ReadSession(self._readers) as session:
            return pruning.look(session, self._ages, self._came_to, self._clock.skew_seconds)

    async def _end_pass(self) -> timedelta:
        await self._committer.progress(pruning.forget_the_dead)
        is_more = await self._committer.progress(pruning.give_back_pages)
        return BETWEEN_SLICES if is_more else BETWEEN_PASSES
