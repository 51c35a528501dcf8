"""Following runs, whoever owns them: the journal says how they stand, and one look is for all who watch."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from pipelines.errors import Overloaded, Unavailable, UnknownRun
from pipelines.events import Event, Events
from pipelines.journal import sighting
from pipelines.journal.sighting import Sighting
from pipelines.transaction import ReadSession
from pipelines.worker.news import RunNews, has_told_the_end, news_since

LEAST_PAUSE_SECONDS = 0.05
LAST_LOOK_SECONDS = 5.0
PATIENCE_SECONDS = 10.0


@dataclass(slots=True, eq=False)
class Watched:
    """A run that somebody watches. `changed` is set, and replaced, when there is something new to see."""

    watchers: int = 0
    seen: Sighting | None = None
    is_gone: bool = False
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def show(self, now: Sighting | None) -> None:
        self.seen, self.is_gone = now, now is None
        self.wake()

    def wake(self) -> None:
        self.changed.set()
        self.changed = asyncio.Event()


class Watch:
    """News of one run for one watcher: iterate over it. A slow one gets less of what passes, and all that lasts."""

    def __init__(self, watchers: "Watchers", watched: Watched, after: str | None) -> None:
        self._watchers = watchers
        self._watched = watched
        self._told = after

    @property
    def has_told_all(self) -> bool:
        """Whether the run has ended, and this watcher knows."""
        seen = self._watched.seen
        return seen is not None and has_told_the_end(seen, self._told)

    async def __aiter__(self) -> AsyncIterator[RunNews]:
        """Until the run has ended, or has been pruned, or this process drains."""
        while True:
            changed = self._watched.changed  # before looking: whatever comes while this is told sets it
            if (seen := self._watched.seen) is not None:
                for news in news_since(seen, self._told):
                    self._told = news.id
                    yield news
            if self.has_told_all or self._watched.is_gone or self._watchers.are_sent_home:
                return
            await changed.wait()

    async def until_ended(self) -> None:
        """The same without the news."""
        async for _ in self:
            pass


class Watchers:
    """Looks at all watched runs once in a while, and soon at those of which it hears; with nobody there, never."""

    def __init__(self, readers: Engine, events: Events, *, every: timedelta, most: int = 256) -> None:
        self._readers = readers
        self._events = events
        self._every = every.total_seconds()
        self._most = most
        self._watched: dict[UUID, Watched] = {}
        self._heard_of: set[UUID] = set()
        self._hint = asyncio.Event()
        self._looking: asyncio.Task[None] | None = None
        self.are_sent_home = False

    @property
    def count(self) -> int:
        """How many are watching."""
        return sum(each.watchers for each in self._watched.values())

    @asynccontextmanager
    async def watch(self, run_id: UUID, *, after: str | None = None) -> AsyncIterator[Watch]:
        """Follow a run: `async with process.watch(run_id) as watch: async for news in watch: ...`.

        It begins with what has happened so far, or with what is new since the news whose id is `after`, misses no
        attempt, tells the latest of state and progress, and ends after the run does, or when this process drains.
        Raises `UnknownRun`, `Overloaded` when too many are watching, or `Unavailable`.
        """
        if self.count >= self._most:
            raise Overloaded(f"{self._most} are watching runs already.")
        watched = self._come(run_id)
        try:
            await self._first_seen(watched)
            if watched.is_gone:
                raise UnknownRun(str(run_id))
            yield Watch(self, watched, after)
        finally:
            self._leave(run_id, watched)

    async def _first_seen(self, watched: Watched) -> None:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while watched.seen is None and not watched.is_gone and not self.are_sent_home:
                    await watched.changed.wait()
        except TimeoutError:
            raise Unavailable("The database does not answer.") from None

    def _come(self, run_id: UUID) -> Watched:
        if not self._watched:
            self._events.subscribe(self._hear)
        watched = self._watched.setdefault(run_id, Watched())
        watched.watchers += 1
        if watched.seen is None:
            self._heard_of.add(run_id)
            self._hint.set()
        if self._looking is None:
            self._looking = asyncio.get_running_loop().create_task(self._look_again_and_again(), name="watch runs")
        return watched

    def _leave(self, run_id: UUID, watched: Watched) -> None:
        watched.watchers -= 1
        if not watched.watchers:
            del self._watched[run_id]
        if not self._watched:
            self._events.unsubscribe(self._hear)

    def _hear(self, event: Event) -> None:
        """A hint that spares a watcher of our own runs the wait for the next look."""
        run_id = getattr(event, "run_id", None)
        if run_id in self._watched:
            self._heard_of.add(run_id)
            self._hint.set()

    async def _look_again_and_again(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            look_at_all = loop.time() + self._every
            while self._watched and not self.are_sent_home:
                await self._until_hint(look_at_all)
                run_ids, self._heard_of = self._heard_of, set()
                if loop.time() >= look_at_all:
                    run_ids, look_at_all = set(self._watched), loop.time() + self._every
                await self._look(run_ids)
                await asyncio.sleep(LEAST_PAUSE_SECONDS)
        finally:
            self._looking = None

    async def _until_hint(self, latest: float) -> None:
        try:
            async with asyncio.timeout_at(latest):
                await self._hint.wait()
        except TimeoutError:
            return
        self._hint.clear()

    async def _look(self, run_ids: Iterable[UUID]) -> None:
        before = {run_id: self._watched[run_id].seen for run_id in run_ids if run_id in self._watched}
        if not before:
            return
        try:
            moved = await asyncio.to_thread(self._read, before)
        except SQLAlchemyError:
            return  # the database is away; the next look at all comes
        for run_id, now in moved.items():
            if run_id in self._watched:
                self._watched[run_id].show(now)

    def _read(self, before: dict[UUID, Sighting | None]) -> dict[UUID, Sighting | None]:
        with ReadSession(self._readers) as session:
            return sighting.look(session, before)

    def send_home(self) -> None:
        """End all watches, soon: servers wait for open answers when they end. May be called from a signal handler."""
        if self.are_sent_home:
            return
        self.are_sent_home = True
        if self._looking is not None:
            self._looking.get_loop().call_soon_threadsafe(self._wake_all)

    def _wake_all(self) -> None:
        self._hint.set()
        for watched in self._watched.values():
            watched.wake()

    async def stop(self) -> None:
        """End all watches; the connection of the last look is back when this returns."""
        self.send_home()
        if self._looking is not None:
            await asyncio.wait([self._looking], timeout=LAST_LOOK_SECONDS)
