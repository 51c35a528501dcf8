"""What steps say of their progress, from whatever thread, on its way to the journal: the latest word, now and then."""

import asyncio
import threading
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from pipelines.committer import Committer
from pipelines.errors import JournalError
from pipelines.events import Events, StepProgressed
from pipelines.journal import progressing
from pipelines.run import Progress, Run

EVERY_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Writing:
    """What writes the words of one run, until it is told that there will be no more."""

    task: asyncio.Task[None]
    enough: asyncio.Event


class ProgressWriter:
    """Keeps one word per run: a later one takes its place."""

    def __init__(self, committer: Committer, events: Events) -> None:
        self._committer = committer
        self._events = events
        self._lock = threading.Lock()
        self._latest: dict[UUID, tuple[Run, Progress]] = {}
        self._writing: dict[UUID, Writing] = {}

    def heard(self, run: Run, progress: Progress) -> None:
        """Take the latest word. May be called from any thread."""
        with self._lock:
            is_first = run.id not in self._latest
            self._latest[run.id] = run, progress
        loop = self._committer.loop
        if is_first and not loop.is_closed():
            loop.call_soon_threadsafe(self._write_soon, run.id)

    async def said_by(self, run: Run) -> None:
        """Before the attempt is written down: the last word of it is on disk when this returns."""
        if (writing := self._writing.get(run.id)) is not None:
            writing.enough.set()
            await writing.task  # in one batch with the attempt, nobody knows which of them is written first
        await self._save(run.id)

    async def stop(self) -> None:
        """What has not been written now is of no use to anybody."""
        tasks = [writing.task for writing in self._writing.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def is_silent(self) -> bool:
        """Whether nobody has said anything lately: asked after each step, so that a silent one pays nothing."""
        return not self._latest and not self._writing

    def _write_soon(self, run_id: UUID) -> None:
        if run_id in self._latest and run_id not in self._writing:
            enough = asyncio.Event()
            task = asyncio.get_running_loop().create_task(self._write(run_id, enough), name=f"progress of {run_id}")
            self._writing[run_id] = Writing(task, enough)

    async def _write(self, run_id: UUID, enough: asyncio.Event) -> None:
        try:
            while run_id in self._latest:
                with suppress(TimeoutError):  # first of all: what ends sooner has its one word written at its end
                    async with asyncio.timeout(EVERY_SECONDS):
                        await enough.wait()
                        return
                await self._save(run_id)
        finally:
            del self._writing[run_id]

    async def _save(self, run_id: UUID) -> None:
        with self._lock:
            latest = self._latest.pop(run_id, None)
        if latest is None:
            return
        run, progress = latest
        try:
            await self._committer.progress(progressing.save, run, progress)
        except JournalError:
            return  # a courtesy, which nothing depends on
        self._events.emit(StepProgressed(run.id, run.pipeline, run.step))
