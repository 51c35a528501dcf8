"""Looks at the journal for everybody who watches the overview here: seldom, briefly, and only while somebody does."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from time import monotonic

from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool

from orders_service.console.overview import Overview, overview_of
from orders_service.console.tally import Tally
from orders_service.problems import Problem
from pipelines import Glance, Process, ReadSession, RunState, glance, pauses_of, time_limit

EVERY_SECONDS = 2.0
MOST_SECONDS = 1.0
READING_BACK_SECONDS = 0.3
MOST_VIEWERS = 50
_DEAD = (RunState.FAILED, RunState.QUARANTINED)


class Lookout:
    """One for each process. Whoever asks gets what was seen last, which is never much older than `every`."""

    def __init__(self, process: Process, *, every: float = EVERY_SECONDS) -> None:
        self.every = every
        self._process = process
        self._tallies: dict[str, Tally] = {}
        self._seen: Overview | None = None
        self._looked_at = float("-inf")
        self._looking = asyncio.Lock()
        self._viewers = 0

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Somebody stays and looks again and again. Problem `overloaded` when there are too many."""
        if self._viewers >= MOST_VIEWERS:
            raise Problem("overloaded", "Too many people watch this page. Load it again to see how things stand.")
        self._viewers += 1
        try:
            yield
        finally:
            self._viewers -= 1

    async def overview(self) -> Overview:
        """How things stand. A database that does not answer leaves what was seen last, marked as old."""
        async with self._looking:
            if self._seen is None or monotonic() - self._looked_at >= self.every:
                self._seen = await run_in_threadpool(self._look_or_remember)
                self._looked_at = monotonic()
            return self._seen

    def forget(self) -> None:
        """Look afresh when somebody asks next: something was changed from here."""
        self._looked_at = float("-inf")

    def _look_or_remember(self) -> Overview:
        try:
            with ReadSession(self._process.readers) as session, time_limit(session, MOST_SECONDS):
                return self._look(session)
        except SQLAlchemyError:
            if self._seen is None:
                raise
            return replace(self._seen, is_old=True)

    def _look(self, session: ReadSession) -> Overview:
        now, seen, pauses = self._process.clock.now(), glance(session), pauses_of(session)
        self._keep_tallies(now, seen)
        for name, tally in self._tallies.items():
            tally.read_on(session, now, has_dead_letters=any((name, state) in seen.depths for state in _DEAD))
        self._read_back(session, now)
        return overview_of(now, self._tallies, seen, pauses, {name for name, _ in self._process.wired})

    def _keep_tallies(self, now: datetime, seen: Glance) -> None:
        """Of all that this release knows, and of what other releases have left open."""
        names = {name for name, _ in self._process.wired} | {name for name, _ in seen.depths}
        kept = {name: each for name, each in self._tallies.items() if name in names and not each.is_stale(now)}
        self._tallies = {name: kept.get(name) or Tally(name, now) for name in names}

    def _read_back(self, session: ReadSession, now: datetime) -> None:
        """At least one part of each, or a long hour of one pipeline would keep the others waiting."""
        until, unread = monotonic() + READING_BACK_SECONDS, list(self._tallies.values())
        while unread := [each for each in unread if not each.is_whole]:
            for each in unread:
                each.read_back(session, now)
            if monotonic() > until:
                return
