"""The crash matrix: a pipeline is killed at every point at which it can be, and must end as if nobody had died."""

import asyncio
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar, cast

from pipelines.errors import WiringError
from pipelines.journal import reaping, start
from pipelines.journal.browsing import RunRecord
from pipelines.pipeline import Pipeline
from pipelines.testing.clock import VirtualClock
from pipelines.testing.contents import Contents, contents, volatile
from pipelines.testing.mortality import THE_START, Died, Moment, Mortality, Point
from pipelines.testing.rehearsal import NeverEndingError, Rehearsal, fresh_file, rehearsal
from pipelines.testing.verdicts import Story, Verdict
from pipelines.transaction import ReadSession, Transaction
from pipelines.worker import Rhythm

In = TypeVar("In")

PATIENCE_SECONDS = 60.0
MOST_COMPARISONS = 3


class DoesNotSurvive(AssertionError):
    """A promise is broken by a crash; the message says at which points, how, and how to mend it."""


@dataclass(frozen=True)
class Survivor:
    """What `check` may look at when a run has ended: the run, the gateways that it had, and the database."""

    run: RunRecord
    provided: Mapping[Any, Any]
    stage: Rehearsal


async def survives_every_crash(
    pipeline: Pipeline[In],
    payload: In | None = None,
    *,
    begin: Callable[[Transaction], object] | None = None,
    provide: Callable[[], Mapping[Any, object]] = dict,
    prepare: Callable[[Transaction], object] = lambda _: None,
    check: Callable[[Survivor], object] = lambda _: None,
    snapshot: Callable[[ReadSession], object] = contents,
    reads: Collection[str] = (),
    moments: Collection[Moment] = tuple(Moment),
    database: Callable[[], AbstractContextManager[str]] = fresh_file,
    beside: Collection[Pipeline[Any]] = (),
) -> Sequence[Point]:
    """Kill a process at every COMMIT and around every call to the outside, let another carry on, and compare.

    The run is started with `payload`, or by `begin`: a transaction function that writes something else beside it.
    Each life has gateways and a database of its own: `provide` makes the gateways (fakes, which must answer the same in
    each life), `database` gives the URL of an empty database, and `prepare` writes what the run finds there. The run
    is lived twice undisturbed to learn what it does, and then once for each point. After each death the promises are
    judged: one end, the same; steps in order, undos complete; database effects once (`snapshot` says what is compared;
    all tables but the journal's, unless told otherwise); each effect outside under one key (`reads` names calls that
    only ask, such as `Rates.today`). `check` is called with each run that has ended, and may assert more.
    `moments` are those at which to die; all, unless told otherwise. Runs that it starts are of the pipelines `beside`.

    Gives the points that were survived. Raises `DoesNotSurvive`.
    """
    if not callable(provide):
        raise WiringError("provide= is called for each life, which has fakes of its own: lambda: {Mail: FakeMail()}")
    begin = begin or (lambda tx: start(tx, pipeline, cast("In", payload)))
    lives = _Lives(pipeline, begin, provide, prepare, check, snapshot, database, beside)
    return await lives.judged(frozenset(reads), frozenset(moments))


@dataclass
class _Lives:
    """The same life again and again, broken off somewhere else each time."""

    pipeline: Pipeline[Any]
    begin: Callable[[Transaction], object]
    provide: Callable[[], Mapping[Any, object]]
    prepare: Callable[[Transaction], object]
    check: Callable[[Survivor], object]
    snapshot: Callable[[ReadSession], object]
    database: Callable[[], AbstractContextManager[str]]
    beside: Collection[Pipeline[Any]]
    nothing: object = None  # what the database holds before the run
    volatile: set[tuple[str, str]] = field(default_factory=set)

    async def judged(self, reads: frozenset[str], moments: frozenset[Moment]) -> Sequence[Point]:
        """The points at which it died and survived."""
        expected, passed = await self.undisturbed()
        points, verdict = [point for point in passed if point.moment in moments], Verdict(self.pipeline.name)
        for point in points:
            found = self.comparable(await self.dying(point, passed))
            verdict.judge(point, self.owed(expected, point), found, reads)
        if verdict.broken:
            raise DoesNotSurvive(verdict.told(len(points)))
        return points

    async def dying(self, point: Point, passed: Sequence[Point]) -> Story:
        """A life that is broken off there, and lived anew if it came to its end by another way."""
        for _ in range(MOST_COMPARISONS):
            story, again = await self.live(point)
            if point in again:
                return story
        raise DoesNotSurvive(_does_not_repeat(self.pipeline.name, passed, again))

    async def undisturbed(self) -> tuple[Story, Sequence[Point]]:
        """What happens when nobody dies, and the points that it passes: the same in two lives, one after the other.

        More than two are lived only where they differ: on a busy machine a process may look for work once more.
        """
        one, points = await self.live(None)
        for _ in range(MOST_COMPARISONS):
            if one.objection or one.stuck:
                raise DoesNotSurvive(f"{self.pipeline.name} fails without any crash: {one.objection or one.stuck}")
            before, passed = one, points
            one, points = await self.live(None)
            self.volatile = volatile(before.holds, one.holds)
            if points == passed and one.way == before.way:
                return self.comparable(before), points
        raise DoesNotSurvive(_does_not_repeat(self.pipeline.name, passed, points))

    def comparable(self, story: Story) -> Story:
        """Without what differs from life to life anyway."""
        return replace(story, holds=self._steady(story.holds))

    def owed(self, expected: Story, point: Point) -> Story:
        """Whoever dies before the COMMIT of the start owes nothing, and must have left nothing."""
        if point == Point(Moment.BEFORE_COMMIT, THE_START):
            return Story(runs=(), calls=(), holds=self._steady(self.nothing))
        return expected

    def _steady(self, holds: object) -> object:
        return holds.without(self.volatile) if isinstance(holds, Contents) else holds

    async def live(self, dies_at: Point | None) -> tuple[Story, Sequence[Point]]:
        """One life on a database of its own; after a death another process carries it on."""
        died, loop = asyncio.Event(), asyncio.get_running_loop()
        mortality = Mortality(dies_at, on_death=partial(loop.call_soon_threadsafe, died.set))
        with self.database() as url:
            provided, clock = self.provide(), VirtualClock()
            known = [self.pipeline, *self.beside]
            put_on = partial(rehearsal, known, provide=provided, database_url=url, clock=clock, faults=mortality)
            async with put_on() as stage:
                await stage.write(lambda tx: self.prepare(tx) and None)
                self.nothing = stage.read(self.snapshot)
                with mortality.watching(), _dying_quietly(loop):
                    await _until(died, self._begin(stage))
                if not mortality.is_dead:
                    return self._told(stage, provided, mortality), mortality.passed
            mortality.revive()
            clock.advance(Rhythm().lease + timedelta(seconds=1))
            async with put_on() as stage:
                stuck = await self._carry_on(stage)
                return replace(self._told(stage, provided, mortality), stuck=stuck), mortality.passed

    async def _begin(self, stage: Rehearsal) -> None:
        await stage.write(lambda tx: self.begin(tx) and None)
        await stage.run_to_the_end()

    async def _carry_on(self, stage: Rehearsal) -> str | None:
        await stage.write(reaping.reap, count_crash=True, jitter=0.0)
        try:
            await stage.run_to_the_end()
        except NeverEndingError as stuck:
            return str(stuck)
        return None

    def _told(self, stage: Rehearsal, provided: Mapping[Any, object], mortality: Mortality) -> Story:
        runs = stage.runs(self.pipeline)
        objections = [said for run in runs if (said := self._objection(Survivor(run, provided, stage)))]
        return Story(runs, tuple(mortality.calls), stage.read(self.snapshot), objection="; ".join(objections) or None)

    def _objection(self, survivor: Survivor) -> str | None:
        try:
            self.check(survivor)
        except AssertionError as objection:
            return str(objection) or "an assertion without a message"
        return None


@contextmanager
def _dying_quietly(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """A death that was asked for is no news."""
    before = loop.get_exception_handler()

    def hear(loop: asyncio.AbstractEventLoop, said: dict[str, Any]) -> None:
        if not isinstance(said.get("exception"), Died):
            (before or asyncio.AbstractEventLoop.default_exception_handler)(loop, said)

    loop.set_exception_handler(hear)
    try:
        yield
    finally:
        loop.set_exception_handler(before)


async def _until(died: asyncio.Event, life: Any) -> None:
    """Whichever comes first. What a process does after its death is not waited for."""
    living, dying = asyncio.ensure_future(life), asyncio.ensure_future(died.wait())
    try:
        await asyncio.wait({living, dying}, return_when=asyncio.FIRST_COMPLETED, timeout=PATIENCE_SECONDS)
        if not died.is_set():
            if not living.done():
                raise DoesNotSurvive(f"The run did not end within {PATIENCE_SECONDS:g} s.")
            with suppress(Died):  # at the last point of all
                living.result()
    finally:
        for each in (living, dying):
            each.cancel()
        await asyncio.wait({living, dying})
        if not living.cancelled():
            living.exception()  # whatever it is, it is of a process that is dead


def _does_not_repeat(pipeline: str, points: Sequence[Point], again: Sequence[Point]) -> str:
    """Say where two lives part."""
    place = next((i for i, (one, other) in enumerate(zip(points, again, strict=False)) if one != other), -1)
    where = f"Once it went {points[place]}, once {again[place]}." if place >= 0 else "Once it went further than once."
    return (
        f"{pipeline} does not do the same in each life, so a crash cannot be told from chance. {where} Let `provide` "
        "make fakes that answer the same each time, and keep dice and clocks out of what decides."
    )
