"""What a process does again and again: renew its lease, look for due runs, reap the dead. The sweep is the truth."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Collection, Coroutine
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from pipelines.clock import Clock
from pipelines.committer import Committer
from pipelines.errors import JournalError
from pipelines.events import Events, RunsReaped
from pipelines.journal import claiming, pausing, reaping, suspects
from pipelines.transaction import ReadSession, Transaction
from pipelines.worker.hand import Interruption
from pipelines.worker.worker import Worker

LAST_WORDS_SECONDS = 2.0
EAGERNESS = 8  # times as often is looked where the last look has found something


@dataclass(frozen=True, kw_only=True)
class Rhythm:
    """How long a lease lasts, and how often what is done. The relation between them is enforced."""

    lease: timedelta = timedelta(seconds=15)
    sweep: timedelta = timedelta(seconds=1)

    @property
    def renewal(self) -> timedelta:
        return self.lease / 3

    @property
    def margin(self) -> timedelta:
        """Between the last moment at which an effect may start and the end of the lease."""
        return self.lease / 5

    def is_sure(self, age_seconds: float) -> bool:
        """Whether a lease whose last confirmed renewal was sent so long ago still holds for certain."""
        return age_seconds < (self.lease - self.margin).total_seconds()

    def __post_init__(self) -> None:
        if self.lease < timedelta(seconds=1) or 2 * self.renewal + self.margin >= self.lease:
            raise ValueError("a lease must be at least a second, and outlast two renewals and the margin")


class Sweep:
    """The recurring duties of one process."""

    def __init__(
        self,
        process_id: UUID,
        committer: Committer,
        worker: Worker,
        readers: Engine,
        *,
        rhythm: Rhythm,
        clock: Clock,
        events: Events,
    ) -> None:
        self._me = process_id
        self._committer = committer
        self._worker = worker
        self._readers = readers
        self._rhythm = rhythm
        self._clock = clock
        self._events = events
        self._tasks: list[asyncio.Task[None]] = []
        self._reading: asyncio.Task[Seen] | None = None
        self._steady_since = self._renewed_at = clock.monotonic()
        self._saw_outage = False
        self._draining = False

    def start(self) -> None:
        """Begin; a random phase keeps processes that start together from sweeping together."""
        duties: tuple[tuple[Callable[[], Coroutine[Any, Any, bool | None]], timedelta], ...] = (
            (self._renew, self._rhythm.renewal),
            (self._watch, self._rhythm.margin / 3),
            (self._look_around, self._rhythm.sweep),
        )
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(_again_and_again(duty, every), name=duty.__name__) for duty, every in duties]

    def drain(self) -> None:
        """Renew the lease to the end, but look for nothing more."""
        self._draining = True

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._reading is not None:  # its connection must be back before its engine is let go
            await asyncio.wait([self._reading], timeout=LAST_WORDS_SECONDS)

    async def learn_pauses(self) -> None:
        """Before the first run is taken."""
        self._worker.pauses.learn(await asyncio.to_thread(self._read_pauses), self._worker.pauses.heard)

    def _read_pauses(self) -> Collection[str]:
        with ReadSession(self._readers) as session:
            return pausing.paused(session)

    async def _renew(self) -> None:
        """An empty member, submitted by the event loop: a wedged loop stops renewing, as it should."""
        await self._committer.progress(_nothing)
        await self._worker.let_out_the_slow()
        await self._worker.give_back_dropped()

    async def _watch(self) -> None:
        """Past the lease's safe part calls under way are broken off."""
        self._notice_gap()
        if not self._rhythm.is_sure(self._clock.monotonic() - self._committer.renewed_at):
            self._worker.interrupt_all(Interruption.LEASE_UNSURE)

    async def _look_around(self) -> bool:
        """Whether there was something to take. Then more is on its way, and nobody wakes us for what others accept."""
        if self._draining:
            return False
        self._reading = asyncio.get_running_loop().create_task(asyncio.to_thread(self._read), name="read the journal")
        seen = await asyncio.shield(self._reading)
        if self._worker.pauses.learn(seen.paused, seen.heard):
            self._worker.look()
        if seen.late and self._is_steady_for(self._rhythm.lease):
            await self._reap()
        if seen.suspects:
            self._worker.look_for_suspects()
        if seen.due or seen.late:
            self._worker.look()
        for run_id in seen.cancelled:
            if run_id in self._worker.hands:
                self._worker.hands[run_id].interrupt(Interruption.CANCELLED)
        return seen.due and self._worker.has_room

    def _read(self) -> "Seen":
        skew, heard = self._clock.skew_seconds, self._worker.pauses.heard
        with ReadSession(self._readers) as session:
            return Seen(
                due=claiming.is_any_due(session, self._worker.claimable, skew),
                suspects=suspects.is_any_due(session, self._worker.claimable, skew),
                late=reaping.is_any_late(session, skew),
                cancelled=tuple(claiming.cancelled_under_us(session, self._me)),
                paused=pausing.paused(session),
                heard=heard,
            )

    async def _reap(self) -> None:
        """What was seen before an outage of the database says nothing after it, so the order to reap grows stale."""
        stale_at = self._clock.monotonic() + self._rhythm.margin.total_seconds()
        # Who has seen an outage gives the others one more lease to come back. Who was born since counts at once: else
        # processes that die young, of one and the same run, would never find it out.
        count_crash = not self._saw_outage or self._is_steady_for(2 * self._rhythm.lease)
        self._tell(await self._committer.progress(_reap, count_crash, stale_at))

    async def bury_predecessors(self) -> None:
        """Free the runs of all who had this SQLite file before, if its lock is ours."""
        self._tell(await self._committer.progress(reaping.bury_predecessors))

    def _tell(self, reaped: reaping.Reaped | None) -> None:
        if reaped is not None and reaped.processes:  # each sweep reaps; most find nobody
            self._events.emit(RunsReaped(reaped.runs, reaped.quarantined, reaped.processes))

    def _is_steady_for(self, span: timedelta) -> bool:
        """After an outage of the database everybody looks dead: whoever has just come back declares nobody so."""
        self._notice_gap()
        now = self._clock.monotonic()
        is_up = now - self._renewed_at < self._rhythm.lease.total_seconds()
        return is_up and now - self._steady_since >= span.total_seconds()

    def _notice_gap(self) -> None:
        """Whoever looks first after an outage sees the renewals jump."""
        before, self._renewed_at = self._renewed_at, self._committer.renewed_at
        if self._renewed_at - before > self._rhythm.lease.total_seconds():
            self._steady_since = self._renewed_at
            self._saw_outage = True


@dataclass(frozen=True, slots=True)
class Seen:
    """What one look at the journal found."""

    due: bool
    suspects: bool
    late: bool
    cancelled: tuple[UUID, ...]
    paused: Collection[str]
    heard: int


def _nothing(_: Transaction) -> None:
    """The batch itself renews the lease."""


def _reap(tx: Transaction, count_crash: bool, stale_at: float) -> reaping.Reaped | None:  # noqa: FBT001 - a committer's member
    if tx.home.clock.monotonic() > stale_at:
        return None
    return reaping.reap(tx, count_crash=count_crash, jitter=random.random())  # noqa: S311 - spreads load, no secret


async def _again_and_again(duty: Callable[[], Awaitable[bool | None]], every: timedelta) -> None:
    is_eager: bool | None = False
    while True:
        pause = every.total_seconds() / (EAGERNESS if is_eager else 1)
        await asyncio.sleep(pause * random.uniform(0.8, 1.0))  # noqa: S311 - spreads load, no secret
        try:
            is_eager = await duty()
        except (JournalError, SQLAlchemyError):
            is_eager = False  # the database is away; the committer says so to those who wait
