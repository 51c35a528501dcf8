"""What is remembered of the last hour of a pipeline."""

from datetime import timedelta

import pytest

from orders_service.console.tally import MINUTES, Minute, Tally
from pipelines import Pipeline, ReadSession, StepContext, ended_runs
from pipelines.testing import Rehearsal, VirtualClock
from tests.builders.world import Trip, World, staged

A_MINUTE = timedelta(minutes=1)


def one_call() -> Pipeline[Trip]:
    pipeline = Pipeline("trip", Trip)

    @pipeline.step()
    async def go(trip: Trip, world: World, step: StepContext) -> None:
        await world.call(trip.to, step)

    return pipeline


TRIP = one_call()


class Onlooker:
    """Looks at the trips of a stage, on whose clock it is."""

    def __init__(self, stage: Rehearsal) -> None:
        clock = stage.process.clock
        assert isinstance(clock, VirtualClock)
        self.stage, self.clock = stage, clock
        self.tally = Tally("trip", clock.now())

    async def travels(self, *to: str) -> None:
        for each in to:
            await self.stage.start(TRIP, Trip(to=each))
        await self.stage.run_to_the_end()

    def looks(self) -> list[Minute]:
        with ReadSession(self.stage.process.readers) as session:
            self.tally.read_on(session, self.clock.now(), has_dead_letters=True)
            while not self.tally.is_whole:
                self.tally.read_back(session, self.clock.now())
        return list(self.tally.minutes(self.clock.now()))


def total(minutes: list[Minute]) -> Minute:
    return Minute(sum(each.ended for each in minutes), sum(each.dead for each in minutes))


async def test_what_ended_before_and_after_the_first_look_is_counted_once(database_url: str) -> None:
    async with staged(database_url, [TRIP]) as stage:
        await Onlooker(stage).travels("Oslo", "Oslo")
        Onlooker(stage).clock.advance(10 * A_MINUTE)
        onlooker = Onlooker(stage)
        await onlooker.travels("Oslo")
        assert total(onlooker.looks()) == Minute(3, 0)
        await onlooker.travels("Oslo")
        assert total(onlooker.looks()) == Minute(4, 0)
        onlooker.clock.advance(0.5 * A_MINUTE)
        assert total(onlooker.looks()) == Minute(4, 0)
        await onlooker.travels("Oslo")
        minutes = onlooker.looks()
    assert total(minutes) == Minute(5, 0)
    assert len(minutes) == MINUTES
    assert sum(each.ended for each in minutes[-3:]) == 3
    assert sum(each.ended for each in minutes[-13:-8]) == 2


async def test_an_hour_later_it_is_forgotten(database_url: str) -> None:
    async with staged(database_url, [TRIP]) as stage:
        onlooker = Onlooker(stage)
        await onlooker.travels("Oslo")
        before = total(onlooker.looks())
        onlooker.clock.advance(61 * A_MINUTE)
        after = total(onlooker.looks())
        afresh = total(Onlooker(stage).looks())
    assert (before, after, afresh) == (Minute(1, 0), Minute(0, 0), Minute(0, 0))


async def test_a_long_hour_is_read_in_parts(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with staged(database_url, [TRIP]) as stage:
        first = Onlooker(stage)
        await first.travels(*["Oslo"] * 5)
        first.clock.advance(A_MINUTE)
        assert ended_runs.__kwdefaults__ is not None
        monkeypatch.setitem(ended_runs.__kwdefaults__, "most", 2)
        onlooker = Onlooker(stage)
        with ReadSession(stage.process.readers) as session:
            onlooker.tally.read_back(session, onlooker.clock.now())
        part = onlooker.tally.minutes(onlooker.clock.now())
        assert (total(list(part)), onlooker.tally.is_whole) == (Minute(2, 0), False)
        whole = onlooker.looks()
    assert total(whole) == Minute(5, 0)


async def test_a_dead_letter_is_counted_once_and_stays_when_it_was_retried(database_url: str) -> None:
    world = World()
    world.fails("Rome", OSError("down"))
    async with staged(database_url, [TRIP], world) as stage:
        onlooker = Onlooker(stage)
        await onlooker.travels("Rome")
        assert total(onlooker.looks()) == Minute(1, 1)
        onlooker.clock.advance(0.5 * A_MINUTE)
        assert total(onlooker.looks()) == Minute(1, 1)
        (run,) = stage.runs()
        await stage.process.write(stage.process.steering.retry, run.id, actor="a test")
        await onlooker.travels()
        assert total(onlooker.looks()) == Minute(2, 1)


async def test_the_last_minute_is_the_sixty_seconds_before_now(database_url: str) -> None:
    async with staged(database_url, [TRIP]) as stage:
        onlooker = Onlooker(stage)
        await onlooker.travels("Oslo")
        onlooker.looks()
        lately = onlooker.tally.last_minute(onlooker.clock.now())
        onlooker.clock.advance(1.2 * A_MINUTE)
        onlooker.looks()
        later = onlooker.tally.last_minute(onlooker.clock.now())
    assert (lately, later) == (1, 0)


async def test_after_a_long_while_without_a_look_it_is_stale(database_url: str) -> None:
    async with staged(database_url, [TRIP]) as stage:
        onlooker = Onlooker(stage)
        onlooker.looks()
        at_once = onlooker.tally.is_stale(onlooker.clock.now())
        onlooker.clock.advance(2 * A_MINUTE)
        later = onlooker.tally.is_stale(onlooker.clock.now())
    assert (at_once, later) == (False, True)
