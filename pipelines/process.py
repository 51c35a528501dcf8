"""One incarnation of an API or worker process: puts committer, journal and worker together, and ends them in order."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from functools import cached_property
from typing import Any, Concatenate, ParamSpec, TypeVar
from uuid import UUID

from uuid_utils.compat import uuid7

from pipelines import journal
from pipelines.clock import Clock, SystemClock
from pipelines.committer import Committer, Limits, commit
from pipelines.errors import JournalError
from pipelines.events import Events, ProcessFailed, Subscriber
from pipelines.pipeline import Pipeline
from pipelines.retention import Retention
from pipelines.retry import Retry
from pipelines.schedule import Schedule
from pipelines.transaction import Transaction
from pipelines.worker import (
    Carrier,
    Dice,
    Faults,
    Household,
    Interruption,
    Pauses,
    Performer,
    ProgressWriter,
    Pruner,
    Rhythm,
    Runner,
    Slots,
    Steering,
    Sweep,
    Taking,
    Ticker,
    Upkeep,
    WakeUps,
    Watch,
    Watchers,
    Worker,
    wire,
)

P = ParamSpec("P")
R = TypeVar("R")

COMPUTE_THREADS = 4
USUAL_RETENTION = Retention()


class Process:
    """Start it on an event loop; write through it; drain and stop it when the host ends.

    `schedules` are what it starts by itself, and `retention` is how long ended runs are kept; None keeps them all.
    `pipelines` are what this process can run, `provide` the gateways their steps ask for, by type. With `slots=0` it
    starts runs and leaves them to others; `threads` compute steps go on at once; it opens `connections` at most.
    `on_failure` is called when this process may write no more: end it then. `subscribers` hear what happens, `origin`
    says to which trace a run that is started belongs. `carrier` tells workers elsewhere of runs that this process does
    not take itself. `clock`, `dice` (how long to wait before a retry) and `faults` are for tests.
    """

    def __init__(
        self,
        database_url: str,
        pipelines: Iterable[Pipeline[Any]] = (),
        *,
        provide: Mapping[Any, object] | None = None,
        slots: int = 256,
        threads: int = COMPUTE_THREADS,
        connections: int = 16,
        rhythm: Rhythm | None = None,
        limits: Limits | None = None,
        clock: Clock | None = None,
        dice: Dice = Retry.drawn_delay,
        subscribers: Iterable[Subscriber] = (),
        on_failure: Callable[[str], None] | None = None,
        origin: Callable[[], str | None] = lambda: None,
        schedules: Iterable[Schedule[Any]] = (),
        retention: Retention | None = USUAL_RETENTION,
        carrier: Carrier | None = None,
        faults: Faults | None = None,
    ) -> None:
        self.process_id: UUID = uuid7()
        self.clock, self.events, self._faults = clock or SystemClock(), Events(*subscribers), faults
        self.wired = wire(pipelines, self._reached(provide or {}))
        self.schedules = journal.Schedules(schedules, [each.pipeline for each in self.wired.values()])
        self._rhythm, self._slots, self._pauses = rhythm or Rhythm(), Slots(slots), Pauses()
        self._on_failure = on_failure
        self._lock = journal.lock_of(journal.parse_url(database_url))
        self._writers, self.readers = journal.open_for_process(database_url, connections=connections)
        self._presence = self._make_presence(self.wired if slots else ())
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="compute")
        self._committer = self._make_committer(limits, origin)
        self.worker = self._make_worker(self._make_runner(dice))
        self._taking = Taking(self.worker, self._slots, self.events)
        self._wake_ups = WakeUps(carrier, self.worker, self._slots, self.events)
        self._sweep = self._make_sweep()
        self.ticker = Ticker(self.schedules, self._committer, self.readers, self.clock, self.events)
        self._upkeep = self._make_upkeep(retention)
        self.failed: str | None = None
        self._draining = False

    def _reached(self, provided: Mapping[Any, object]) -> Mapping[Any, object]:
        """The gateways, or what a test puts around them."""
        if self._faults is None:
            return provided
        return {asked_for: self._faults.around_gateway(asked_for, each) for asked_for, each in provided.items()}

    def _make_presence(self, knows: Iterable[tuple[str, str]]) -> journal.Presence:
        return journal.Presence(self.process_id, lease=self._rhythm.lease, clock=self.clock, knows=knows)

    def _make_committer(self, limits: Limits | None, origin: Callable[[], str | None]) -> Committer:
        return Committer(
            self._writers,
            self._presence,
            Household(self.process_id, self.clock, self._pauses, self.wired, self._slots),
            limits=limits,
            on_wakes=self._receive,
            on_event=self.events.emit,
            on_death=self._fail,
            origin=origin,
            commit=commit if self._faults is None else self._faults.around_commit(commit),
        )

    def _make_worker(self, runner: Runner) -> Worker:
        return Worker(self._committer, runner, self._slots, self.wired, self.events, pauses=self._pauses)

    def _make_sweep(self) -> Sweep:
        rhythm, clock, events = self._rhythm, self.clock, self.events
        return Sweep(
            self.process_id, self._committer, self.worker, self.readers, rhythm=rhythm, clock=clock, events=events
        )

    def _make_upkeep(self, retention: Retention | None) -> Upkeep:
        duties = [self.ticker.duty] if self.schedules else []
        if retention is not None:
            duties.append(Pruner(retention, self._committer, self.readers, self.clock, self.events).duty)
        return Upkeep(duties)

    def _make_runner(self, dice: Dice) -> Runner:
        self._progress = ProgressWriter(self._committer, self.events)
        performer = Performer(
            self._committer,
            self.readers,
            self._threads,
            heard=self._progress.heard,
            lease_is_sure=self._lease_is_sure,
            slots=self._slots.count,
            clock=self.clock,
        )
        return Runner(
            self._committer,
            performer if self._faults is None else self._faults.around_attempts(performer),
            self.wired,
            progress=self._progress,
            clock=self.clock,
            dice=dice,
            events=self.events,
        )

    @cached_property
    def watchers(self) -> Watchers:
        """Who follows runs through this process."""
        return Watchers(self.readers, self.events, every=self._rhythm.sweep)

    # Life

    async def start(self, *, sweeping: bool = True) -> None:
        """Take the lock of a SQLite file, enter the journal, recover, and begin to work.

        Raises `AlreadyServed` when another process has the file.
        """
        if self._lock is not None:
            self._lock.acquire()
        try:
            await asyncio.to_thread(self._presence.register, self._writers)
        except BaseException:
            self._let_go()
            raise
        self._committer.start()
        if self._lock is not None:
            await self._sweep.bury_predecessors()
        await self._sweep.learn_pauses()
        self._slots.open()
        self._wake_ups.open()
        if sweeping:
            self._sweep.start()
            self._upkeep.start()
            self.worker.look()

    def begin_to_drain(self) -> None:
        """Take nothing new: runs that are started from here on are for others. May be called from a signal handler."""
        self._draining = True
        self._sweep.drain()
        self._upkeep.drain()
        self.watchers.send_home()
        self.worker.leave_between_steps()

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop on which it was started; a signal handler reaches it from there."""
        return self._committer.loop

    async def drain(self, *, grace: timedelta = timedelta(seconds=25)) -> None:
        """Let steps finish within the grace, then break them off; no attempt is burned."""
        self.begin_to_drain()
        try:
            async with asyncio.timeout(grace.total_seconds()):
                await self._committer.progress(journal.presence.begin_to_drain)
                await self.worker.idle()
        except TimeoutError:
            self.hurry()
        except JournalError:
            return  # the journal has no ear for us; our lease will say it

    def hurry(self) -> None:
        """Break off what calls the outside; its runs are for others, and no attempt is burned."""
        self.worker.interrupt_all(Interruption.LEAVING)

    async def stop(self) -> None:
        """Free what is left and leave the journal. Nothing is written after this."""
        self.begin_to_drain()
        await self._sweep.stop()
        await self._upkeep.stop()
        await self.watchers.stop()
        await self.worker.stop()  # before our runs are free: nothing of ours may still act on them then
        await self._progress.stop()
        if self.failed is None:
            await self._leave()
        await self._committer.stop()
        await self._wake_ups.close()
        self._let_go()

    def _let_go(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        self.readers.dispose()
        self._writers.dispose()
        if self._lock is not None:
            self._lock.release()

    async def _leave(self) -> None:
        try:
            async with asyncio.timeout(self._rhythm.lease.total_seconds()):
                await self._committer.progress(journal.presence.leave)
        except (JournalError, TimeoutError):
            return  # then our lease runs out

    # Work

    async def write(self, function: Callable[Concatenate[Transaction, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a transaction function in the next COMMIT, and give its result after it. See `Committer.write`."""
        return await self._committer.write(function, *args, **kwargs)

    @cached_property
    def steering(self) -> Steering:
        """What people may do to runs."""
        return Steering(self.wired, self.clock, self._rhythm.lease, self.write)

    async def take(self, run_id: UUID) -> bool:
        """Carry on a run that somebody names, a carrier for example, if that can be. See `Taking.take`."""
        return await self._taking.take(run_id)

    def watch(self, run_id: UUID, *, after: str | None = None) -> AbstractAsyncContextManager[Watch]:
        """Follow a run, whoever owns it, from its beginning or after the news of this id. See `Watchers.watch`."""
        return self.watchers.watch(run_id, after=after)

    @property
    def is_ready(self) -> bool:
        """Whether it takes new work."""
        return self.failed is None and not self._draining and not self._committer.is_closed

    @property
    def stuck_seconds(self) -> float:
        """For liveness probes: how long a transaction function has kept all others waiting, the database apart."""
        return self._committer.stuck_seconds

    def _receive(self, news: Sequence[object]) -> None:
        self.worker.receive(news)
        self._wake_ups.pass_on(news)

    def _lease_is_sure(self) -> bool:
        return self._rhythm.is_sure(self.clock.monotonic() - self._committer.renewed_at)

    def _fail(self, death: Exception) -> None:
        self.failed = str(death)
        self.begin_to_drain()
        self.worker.interrupt_all(Interruption.LEASE_UNSURE)
        self.events.emit(ProcessFailed(self.failed))
        if self._on_failure is not None:
            self._on_failure(self.failed)
