"""What a process does on the side while it takes new work: fire schedules, delete what has ended long ago."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.exc import SQLAlchemyError

from pipelines.errors import JournalError

AFTER_AN_OUTAGE = timedelta(seconds=1)
LAST_WORDS_SECONDS = 2.0
SPREAD_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Duty:
    """Something that is done now, and says when it wants to be done again."""

    look: Callable[[], Awaitable[timedelta]]
    at_first: timedelta = timedelta(0)


class Upkeep:
    """Duties that say themselves when they want to be asked again. They end when the process begins to drain."""

    def __init__(self, duties: Sequence[Duty]) -> None:
        self._duties = duties
        self._tasks: list[asyncio.Task[None]] = []
        self._draining = asyncio.Event()

    def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._keep(duty), name=duty.look.__qualname__) for duty in self._duties]

    def drain(self) -> None:
        """Finish what is under way, and do no more."""
        self._draining.set()

    async def stop(self) -> None:
        """Return when nothing of it goes on."""
        self.drain()
        if self._tasks:  # what reads must have given its connection back before the engine is let go
            await asyncio.wait(self._tasks, timeout=LAST_WORDS_SECONDS)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _keep(self, duty: Duty) -> None:
        pause = duty.at_first
        while not await self._drains_within(pause):
            try:
                pause = await duty.look()
            except (JournalError, SQLAlchemyError):
                pause = AFTER_AN_OUTAGE

    async def _drains_within(self, pause: timedelta) -> bool:
        # Processes that wait for the same moment do not all ask in the same instant.
        seconds = pause.total_seconds() + random.uniform(0, SPREAD_SECONDS)  # noqa: S311 - spreads load, no secret
        with suppress(TimeoutError):
            await asyncio.wait_for(self._draining.wait(), seconds)
        return self._draining.is_set()
