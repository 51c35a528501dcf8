"""Schedules on a journal: each tick is one run, however many processes there are and however often they die."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from apscheduler.triggers.cron import CronTrigger
from sqlalchemy import delete, select

from pipelines import CatchUp, Pipeline, Process, ReadSession, RunState, Schedule, StepContext, schedule
from pipelines.events import BatchCommitted, Event, RunFinished, TickFailed
from pipelines.journal import open_for_writing
from pipelines.journal.tables import runs, schedules
from pipelines.testing import Moment, Mortality, Point, Rehearsal, VirtualClock
from tests.builders.deaths import Death
from tests.builders.desk import from_outside
from tests.builders.world import Trip, World, staged

POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)

trip = Pipeline("trip", Trip)


@trip.step()
async def go(trip: Trip, world: World, step: StepContext) -> None:
    await world.call(trip.to, step)


def daily(catch_up: CatchUp = CatchUp.LAST, *, hour: int = 3, **said: Any) -> Schedule[Trip]:
    trigger = CronTrigger(hour=hour, timezone=UTC)
    return schedule(trip, trigger, said.pop("input", fire_day), name="nightly", catch_up=catch_up, **said)


def fire_day(fire_at: datetime) -> Trip:
    return Trip(to=f"{fire_at:%Y-%m-%d}")


def just_before_three() -> VirtualClock:
    """So near to a tick that a test may cross it, and so far that it does so when it means to."""
    clock = VirtualClock()
    three = clock.now().replace(hour=3, minute=0, second=0, microsecond=0) + DAY
    clock.advance(three - clock.now() - HOUR)
    return clock


def keys(stage: Rehearsal) -> list[str]:
    """The keys of all runs, which say for which tick they were started."""
    with ReadSession(stage.process.readers) as session:
        return list(session.execute(select(runs.c.key).order_by(runs.c.key)).scalars())


def days_after(stage: Rehearsal, *days: int) -> list[str]:
    first = (stage.clock.now() + timedelta(minutes=30)).replace(hour=3, minute=0, second=0, microsecond=0)
    return [f"nightly@{(first + day * DAY).isoformat()}" for day in days]


def states(stage: Rehearsal) -> set[RunState]:
    with ReadSession(stage.process.readers) as session:
        return set(session.execute(select(runs.c.state)).scalars())


async def test_each_tick_is_a_run_that_is_carried_to_its_end(database_url: str) -> None:
    clock = just_before_three()
    async with staged(database_url, [trip], clock=clock, schedules=[daily()]) as stage:
        expected = days_after(stage, 0, 1, 2)
        await stage.advance(timedelta(minutes=30))
        assert keys(stage) == []
        await stage.advance(3 * DAY - HOUR)
        assert (keys(stage), states(stage)) == (expected, {RunState.COMPLETED})


@SQLITE
async def test_a_run_to_the_end_does_not_go_on_with_the_ticks_of_all_time(database_url: str) -> None:
    async with staged(database_url, [trip], schedules=[daily()]) as stage:
        await stage.start(trip, Trip())
        await stage.run_to_the_end()
        assert len(keys(stage)) == 1


@POSTGRESQL
async def test_two_processes_that_see_the_same_tick_start_one_run(database_url: str) -> None:
    clock = just_before_three()
    async with (
        staged(database_url, [trip], clock=clock, schedules=[daily()]) as one,
        staged(database_url, [trip], clock=clock, schedules=[daily()]) as other,
    ):
        expected = days_after(one, *range(10))
        await asyncio.gather(one.process.ticker.fire_due(), other.process.ticker.fire_due())
        clock.advance(2 * HOUR)
        for _ in range(10):
            await asyncio.gather(one.process.ticker.fire_due(), other.process.ticker.fire_due())
            clock.advance(DAY)
        for stage in (one, other):
            await stage.process.worker.settled()
        assert keys(one) == expected


@POSTGRESQL
async def test_nobody_waits_for_a_tick_that_another_process_is_just_starting(database_url: str) -> None:
    engine, clock, events = open_for_writing(database_url), just_before_three(), list[Event]()
    async with staged(database_url, [trip], clock=clock, events=events, schedules=[daily()]) as stage:
        await stage.process.ticker.fire_due()
        clock.advance(2 * HOUR)
        events.clear()
        with engine.begin() as connection:
            connection.execute(select(schedules).with_for_update())
            await stage.process.ticker.fire_due()
            assert [type(event) for event in events] == [BatchCommitted]
            assert keys(stage) == []
        await stage.process.ticker.fire_due()
        await stage.process.worker.settled()
        assert len(keys(stage)) == 1
    engine.dispose()


@pytest.mark.parametrize(("catch_up", "days"), [(CatchUp.NONE, ()), (CatchUp.LAST, (2,)), (CatchUp.ALL, (0, 1, 2))])
@SQLITE
async def test_what_was_due_while_all_processes_were_dead_is_made_up_for_as_was_said(
    database_url: str, catch_up: CatchUp, days: Sequence[int]
) -> None:
    clock = just_before_three()
    async with staged(database_url, [trip], clock=clock, schedules=[daily(catch_up)]) as stage:
        await stage.process.ticker.fire_due()
        expected = days_after(stage, *days)
    clock.advance(3 * DAY)
    async with staged(database_url, [trip], clock=clock, schedules=[daily(catch_up)]) as stage:
        await stage.process.ticker.fire_due()
        await stage.process.worker.settled()
        assert keys(stage) == expected
        await stage.process.ticker.fire_due()
        assert keys(stage) == expected


async def test_a_tick_whose_run_has_been_deleted_is_not_fired_again(database_url: str) -> None:
    clock = just_before_three()
    async with staged(database_url, [trip], clock=clock, schedules=[daily()]) as stage:
        await stage.advance(2 * HOUR)
        assert len(keys(stage)) == 1
    from_outside(database_url, lambda connection: connection.execute(delete(runs)))
    async with staged(database_url, [trip], clock=clock, schedules=[daily()]) as stage:
        await stage.process.ticker.fire_due()
        assert keys(stage) == []


async def test_a_clock_that_jumps_fires_no_tick_twice_and_is_not_silent_afterwards(database_url: str) -> None:
    clock = just_before_three()
    async with staged(database_url, [trip], clock=clock, schedules=[daily()]) as stage:
        (first, second) = days_after(stage, 0, 1)
        await stage.advance(2 * HOUR)
        for jump in (-HOUR, HOUR, -2 * HOUR, 2 * HOUR):
            clock.advance(jump)
            await stage.process.ticker.fire_due()
        assert keys(stage) == [first]
        clock.advance(-10 * 365 * DAY)
        wait = await stage.process.ticker.fire_due()
        assert wait is not None
        assert wait <= DAY
        clock.advance(10 * 365 * DAY)
        await stage.process.ticker.fire_due()
        await stage.advance(DAY)
        assert keys(stage)[-2:] == [first, second]
        assert keys(stage).count(first) == 1


@SQLITE
async def test_a_schedule_that_this_process_does_not_know_is_left_alone(database_url: str) -> None:
    clock = just_before_three()
    async with staged(database_url, [trip], clock=clock, schedules=[daily()]) as stage:
        await stage.process.ticker.fire_due()
    async with staged(database_url, [trip], clock=clock) as stage:
        await stage.advance(3 * DAY)
        with ReadSession(stage.process.readers) as session:
            row = session.execute(select(schedules)).one()
        assert (row.name, row.last_fire_at, keys(stage)) == ("nightly", None, [])


@SQLITE
async def test_a_changed_trigger_is_planned_anew(database_url: str) -> None:
    clock = just_before_three()
    async with staged(database_url, [trip], clock=clock, schedules=[daily()]) as stage:
        await stage.process.ticker.fire_due()
    async with staged(database_url, [trip], clock=clock, schedules=[daily(hour=4)]) as stage:
        await stage.advance(DAY)
        assert [key[-14:] for key in keys(stage)] == ["04:00:00+00:00"]


@SQLITE
async def test_an_input_that_cannot_be_made_is_told_stops_no_other_and_is_tried_again(database_url: str) -> None:
    broken, events, clock = [True], list[Event](), just_before_three()

    def made(fire_at: datetime) -> Trip:
        if broken[0]:
            raise LookupError("no such day")
        return fire_day(fire_at)

    fine = schedule(trip, CronTrigger(hour=3, timezone=UTC), Trip(), name="other")
    both = [daily(input=made), fine]
    async with staged(database_url, [trip], clock=clock, events=events, schedules=both) as stage:
        await stage.process.ticker.fire_due()
        clock.advance(2 * HOUR)
        await stage.process.ticker.fire_due()
        assert [key[:5] for key in keys(stage)] == ["other"]
        assert [event for event in events if isinstance(event, TickFailed)] == [
            TickFailed("nightly", "LookupError: no such day")
        ]
        broken[0] = False
        await stage.process.ticker.fire_due()
        await stage.process.worker.settled()
        assert [key[:5] for key in keys(stage)] == ["night", "other"]


@pytest.mark.parametrize("moment", [Moment.BEFORE_COMMIT, Moment.AFTER_COMMIT])
@pytest.mark.parametrize("catch_up", CatchUp)
@SQLITE
async def test_whoever_dies_at_the_commit_of_a_tick_there_is_one_run_of_it(
    database_url: str, moment: Moment, catch_up: CatchUp
) -> None:
    clock, death, mortality = just_before_three(), Death(), Mortality(Point(moment, "the start"))
    said: dict[str, Any] = {"clock": clock, "schedules": [daily(catch_up)], "slots": 0}
    async with staged(database_url, [trip], on_failure=death.notice, faults=mortality, **said) as stage:
        await stage.process.ticker.fire_due()
        expected = days_after(stage, 0)
        clock.advance(HOUR + timedelta(seconds=1))
        with mortality.watching():
            firing = asyncio.create_task(stage.process.ticker.fire_due())
            await death.happened.wait()
            await asyncio.wait([firing], timeout=0.1)
            firing.cancel()
    async with staged(database_url, [trip], **said) as stage:
        await stage.process.ticker.fire_due()
        assert keys(stage) == expected


@SQLITE
async def test_a_process_fires_by_itself_and_no_more_when_it_drains(database_url: str) -> None:
    fired, clock = asyncio.Event(), just_before_three()
    async with staged(database_url, [trip], clock=clock, schedules=[daily()], slots=0) as stage:
        await stage.process.ticker.fire_due()  # seen for the first time after three, it would be planned for tomorrow
    clock.advance(HOUR - timedelta(seconds=0.2))

    def hear(event: Event) -> None:
        if isinstance(event, RunFinished):
            fired.set()

    world = World()
    process = Process(
        database_url, [trip], provide={World: world}, schedules=[daily()], clock=clock, subscribers=[hear]
    )
    await process.start()
    async with asyncio.timeout(10):
        await fired.wait()
        process.begin_to_drain()
        clock.advance(DAY)
        await asyncio.gather(*process._upkeep._tasks)
        await process.stop()
    assert len(world.heard) == 1


@SQLITE
async def test_without_schedules_nothing_is_read_or_written(database_url: str) -> None:
    events = list[Event]()
    async with staged(database_url, [trip], events=events) as stage:
        events.clear()
        assert await stage.process.ticker.fire_due() is None
        assert stage.process.ticker.duty not in stage.process._upkeep._duties
        assert not [event for event in events if isinstance(event, BatchCommitted)]
