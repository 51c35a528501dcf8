"""The event loop's side of the committer: hands members in, brings answers back, watches the clock."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine

from pipelines.committer.faults import commit as really_commit
from pipelines.committer.members import Member, Queue
from pipelines.committer.standing import Standing
from pipelines.committer.writer import Dead, Report, Writer
from pipelines.errors import OutcomeUnknown, Unavailable, WiringError
from pipelines.events import Event
from pipelines.transaction import Home, Transaction

P = ParamSpec("P")
R = TypeVar("R")

_LOOK_EVERY_SECONDS = 0.25


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much waits, how much goes into one COMMIT, and how long a caller is kept waiting."""

    waiting: int = 2048
    batch: int = 256
    patience_seconds: float = 10.0


class Committer:
    """The one writer of a process. Start it on the event loop that will call `write`."""

    loop: asyncio.AbstractEventLoop

    def __init__(
        self,
        engine: Engine,
        standing: Standing,
        home: Home,
        *,
        limits: Limits | None = None,
        on_wakes: Callable[[Sequence[object]], None],
        on_event: Callable[[Event], None],
        on_death: Callable[[Dead], None],
        origin: Callable[[], str | None] = lambda: None,
        commit: Callable[[Connection], None] = really_commit,
    ) -> None:
        self._limits = limits or Limits()
        self._queue = Queue(self._limits.waiting)
        self._writer = Writer(engine, standing, home, self._queue, self._report, commit=commit)
        self._thread = threading.Thread(target=self._work, name="committer", daemon=True)
        self._impatient: deque[Member] = deque()
        self._look: asyncio.TimerHandle | None = None
        self._origin = origin
        self._on_wakes, self._on_event, self._on_death = on_wakes, on_event, on_death

    def start(self) -> None:
        """Begin to write."""
        self.loop = asyncio.get_running_loop()
        self._thread.start()

    async def stop(self, *, within_seconds: float = 5.0) -> None:
        """Write what was handed in, then end. A database that is away is given up after a while."""
        self._queue.close()
        await asyncio.to_thread(self._thread.join, within_seconds)
        self._writer.give_up()
        await asyncio.to_thread(self._thread.join, within_seconds)
        if self._look is not None:
            self._look.cancel()

    @property
    def is_closed(self) -> bool:
        """Whether it takes nothing more: it is stopping, or dead."""
        return self._queue.is_closed

    @property
    def is_idle(self) -> bool:
        """Whether nobody waits for it."""
        return len(self._queue) == 0

    @property
    def stuck_seconds(self) -> float:
        """How long a transaction function has kept it from everything else; for ever, if its thread has ended.

        A database that does not answer is not meant: waiting for it is no fault of this process.
        """
        return self._writer.pulse.stuck_seconds if self._thread.is_alive() else float("inf")

    @property
    def renewed_at(self) -> float:
        """Monotonic time at which the last confirmed renewal of this process's lease was sent."""
        return self._writer.renewed_at

    async def write(self, function: Callable[Concatenate[Transaction, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run the function in the next transaction; its result comes after the COMMIT.

        Whoever is cancelled meanwhile leaves the function in the queue: it may still commit. Raises what the function
        raised, or a `JournalError`: all but `OutcomeUnknown` mean that nothing was written.
        """
        result: R = await self._handed_in(_bound(function, kwargs), args, progress=False)
        return result

    async def progress(
        self, function: Callable[Concatenate[Transaction, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """The same for work that was accepted earlier: it goes first, is never refused, and waits without limit."""
        result: R = await self._handed_in(_bound(function, kwargs), args, progress=True)
        return result

    def _handed_in(self, function: Callable[..., Any], args: tuple[Any, ...], *, progress: bool) -> asyncio.Future[Any]:
        if self._thread.ident is None:
            raise WiringError("This process has not been started: use it inside `async with running(process)`.")
        deadline = None if progress else self.loop.time() + self._limits.patience_seconds
        member = Member(function, args, self.loop.create_future(), deadline, self._origin() if not progress else None)
        self._queue.put(member, progress=progress)
        if deadline is not None:
            self._impatient.append(member)
            if self._look is None:
                self._look = self.loop.call_later(_LOOK_EVERY_SECONDS, self._look_at_the_clock)
        return member.future

    def _work(self) -> None:
        try:
            self._writer.work(self._limits.batch)
        except Dead as death:
            self._call(self._die, death)
        except BaseException as error:  # noqa: BLE001 - a bug in the committer itself must not hang the process
            self._call(self._die, Dead(f"the committer failed: {error!r}", OutcomeUnknown("The committer failed.")))

    def _die(self, death: Dead) -> None:
        self._queue.close()
        for member in self._queue.take(len(self._queue)):
            _answer(member.future, error=Unavailable("This process is stopping."))
        for member in self._impatient:
            _answer(member.future, error=death.error)
        self._on_death(death)

    def _report(self, report: Report) -> None:
        self._call(self._deliver, report)

    def _call(self, function: Callable[..., None], *args: object) -> None:
        """From the committer's thread to the loop; a loop that is gone has nobody to tell."""
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(function, *args)

    def _deliver(self, report: Report) -> None:
        """One hop to the event loop for a whole batch."""
        for outcome in report.outcomes:
            _answer(outcome.member.future, outcome.result, outcome.error)
        if report.wakes:
            self._on_wakes(report.wakes)
        for event in report.events:
            self._on_event(event)

    def _look_at_the_clock(self) -> None:
        """Tell callers who have waited long enough what can be said truthfully."""
        now = self.loop.time()
        while self._impatient and self._is_through_with(self._impatient[0], now):
            self._impatient.popleft()
        self._look = self.loop.call_later(_LOOK_EVERY_SECONDS, self._look_at_the_clock) if self._impatient else None

    def _is_through_with(self, member: Member, now: float) -> bool:
        if not member.future.done() and member.deadline is not None and now >= member.deadline:
            withdrawn = self._queue.withdraw(member)
            _answer(member.future, error=_late() if withdrawn else _in_doubt())
        return member.future.done()


def _bound(function: Callable[..., R], kwargs: Mapping[str, Any]) -> Callable[..., R]:
    return partial(function, **kwargs) if kwargs else function


def _late() -> Unavailable:
    return Unavailable("The database does not answer.")


def _in_doubt() -> OutcomeUnknown:
    return OutcomeUnknown("The database has not said whether it has this.")


def _answer(future: asyncio.Future[Any], result: object = None, error: Exception | None = None) -> None:
    if future.done():
        return  # its caller has gone, or has been told that nobody knows
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
