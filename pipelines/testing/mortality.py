"""A process that can die at a point that is named beforehand, and tells which points it has passed."""

import inspect
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection

from pipelines.errors import JournalError
from pipelines.run import Direction
from pipelines.step import Kind
from pipelines.testing.overhearing import Doing, OutsideCall, Overheard, key_of
from pipelines.worker import Commit, Performs
from pipelines.worker.hand import Hand, Interrupted
from pipelines.worker.moves import Held
from pipelines.worker.performing import current_step
from pipelines.worker.rooms import NoRoom

THE_START, A_CLAIM = "the start", "a claim"
NO_STEP = Doing("no step", key="")


class Moment(StrEnum):
    """The moments at which a process may die so that something is left half done."""

    BEFORE_COMMIT = "before the COMMIT of"
    AFTER_COMMIT = "after the COMMIT, before anybody was told, of"
    BEFORE_CALL = "before the call of"
    AFTER_CALL = "after the call, before its answer, of"
    AFTER_STEP = "after the end, before its attempt was written, of"


@dataclass(frozen=True)
class Point:
    """A moment of one step, of one call to the outside, or of the start; the `time`-th of its kind."""

    moment: Moment
    place: str
    time: int = 1

    def __str__(self) -> str:
        return f"{self.moment} {self.place}" + (f", time {self.time}" if self.time > 1 else "")

    @classmethod
    def named(cls, name: str) -> "Point":
        """The point that is written like this: `after_call:Mail.send in send_confirmation`."""
        moment, _, place = name.partition(":")
        return cls(Moment[moment.upper()], place)


class Died(BaseException):
    """The process ends here: nothing that comes after it is heard, done or written."""


class Mortality:
    """For `Process(faults=...)`. Watches which points are passed and what is called, and dies at `dies_at`.

    `on_death` is called at the point itself, on whichever thread reaches it: a child process may kill itself there.
    In a test's own process `Died` is raised, and whatever the process tries to do later dies like it.
    """

    def __init__(
        self, dies_at: Point | None = None, *, on_death: Callable[[], object] = lambda: None, is_watching: bool = False
    ) -> None:
        self.passed: list[Point] = []
        self.calls: list[OutsideCall] = []
        self.is_dead = False
        self._dies_at = dies_at
        self._on_death = on_death
        self._watching = is_watching
        self._times: Counter[tuple[Moment, str]] = Counter()
        self._uncommitted: list[str] = []  # what the next COMMIT will hold

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Points count only meanwhile, unless it was made watching."""
        self._watching = True
        try:
            yield
        finally:
            self._watching = False

    def revive(self) -> None:
        """For the process that comes after: calls are still remembered, points pass by."""
        self.is_dead = self._watching = False

    def reach(self, moment: Moment, place: str) -> None:
        """Die here, if this is the point or it was passed already."""
        if self.is_dead:
            raise Died
        if not self._watching:
            return
        self._times[moment, place] += 1
        point = Point(moment, place, self._times[moment, place])
        self.passed.append(point)
        if point == self._dies_at:
            self.is_dead = True
            self._on_death()
            raise Died(str(point))

    # As `pipelines.worker.Faults` asks for it

    def around_commit(self, commit: Commit) -> Commit:
        def mortal_commit(connection: Connection) -> None:
            place = self._held_by_the_next_commit()
            self.reach(Moment.BEFORE_COMMIT, place)
            commit(connection)
            self._uncommitted.clear()
            self.reach(Moment.AFTER_COMMIT, place)

        return mortal_commit

    def around_attempts(self, performer: Performs) -> Performs:
        return MortalPerformer(performer, self)

    def around_gateway(self, asked_for: Any, gateway: object) -> object:
        """Only what has public `async` methods calls the outside."""
        methods = (getattr(type(gateway), name, None) for name in dir(type(gateway)) if not name.startswith("_"))
        if not any(inspect.iscoroutinefunction(method) for method in methods):
            return gateway
        return Overheard(gateway, getattr(asked_for, "__name__", str(asked_for)), self._call)

    def note(self, doing: Doing) -> None:
        """The next COMMIT will hold this attempt, or what follows from it."""
        self._uncommitted.append(doing.name)

    def _held_by_the_next_commit(self) -> str:
        is_first = not self._times
        return " and ".join(dict.fromkeys(self._uncommitted)) or (THE_START if is_first else A_CLAIM)

    async def _call(self, name: str, method: Callable[..., Any], args: Any, kwargs: Any) -> object:
        doing = current.get()
        place = f"{name} in {doing.name}"
        self.reach(Moment.BEFORE_CALL, place)
        self.calls.append(OutsideCall(name, doing.name, key_of(method, args, kwargs, doing.key)))
        try:
            answer = await method(*args, **kwargs)
        except Exception:
            self.reach(Moment.AFTER_CALL, place)
            raise
        self.reach(Moment.AFTER_CALL, place)
        return answer


current: ContextVar[Doing] = ContextVar("current", default=NO_STEP)


class MortalPerformer:
    """Whoever makes the attempts, until it dies of one."""

    def __init__(self, performer: Performs, mortality: Mortality) -> None:
        self._performer = performer
        self._mortality = mortality

    async def perform(self, held: Held, hand: Hand) -> object:
        doing = _doing(held)
        before = current.set(doing)
        self._mortality.note(doing)
        try:
            outcome = await self._performer.perform(held, hand)
        except (JournalError, Interrupted, NoRoom):  # not the step's end
            raise
        except Exception:
            self._end(held, doing)
            raise
        finally:
            current.reset(before)
        self._end(held, doing)
        return outcome

    def _end(self, held: Held, doing: Doing) -> None:
        if current_step(held).step.kind is not Kind.TRANSACTION:  # whose end is written with its effect
            self._mortality.reach(Moment.AFTER_STEP, doing.name)


def _doing(held: Held) -> Doing:
    run = held.run
    name = run.step if run.direction is Direction.DO else f"the undo of {run.step}"
    return Doing(name, run.idempotency_key)
