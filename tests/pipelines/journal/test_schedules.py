"""What people ask of schedules and do to them, and that it is kept who did."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from apscheduler.triggers.cron import CronTrigger
from sqlalchemy import select

from pipelines import (
    Pipeline,
    ReadSession,
    RunState,
    ScheduleRecord,
    StateConflict,
    UnknownSchedule,
    WiringError,
    schedule,
)
from pipelines.journal import Schedules
from pipelines.journal.tables import interventions, runs
from pipelines.testing import Rehearsal
from tests.builders.world import Trip, staged

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
DAY = timedelta(days=1)

trip = Pipeline("trip", Trip)
nightly = schedule(trip, CronTrigger(hour=3, timezone=UTC), Trip(), name="nightly", sentence="Every night at three.")


@trip.step()
def go(trip: Trip) -> None:
    pass


def listed(stage: Rehearsal) -> ScheduleRecord:
    with ReadSession(stage.process.readers) as session:
        (record,) = stage.process.schedules.listing(session)
        return record


def interventions_in(stage: Rehearsal) -> list[Any]:
    with ReadSession(stage.process.readers) as session:
        found = interventions.c
        return [
            tuple(row) for row in session.execute(select(found.actor, found.action, found.details).order_by(found.id))
        ]


def count(stage: Rehearsal) -> int:
    with ReadSession(stage.process.readers) as session:
        return len(session.execute(select(runs.c.id)).all())


def next_three(now: datetime) -> datetime:
    today = now.replace(hour=3, minute=0, second=0, microsecond=0)
    return today if today > now else today + DAY


async def test_a_schedule_is_listed_with_its_last_and_next_fire_time_and_its_last_run(database_url: str) -> None:
    async with staged(database_url, [trip], schedules=[nightly]) as stage:
        assert (listed(stage).next_fire_at, listed(stage).last_run) == (None, None)
        await stage.process.ticker.fire_due()
        first = listed(stage).next_fire_at
        await stage.advance(DAY)
        record = listed(stage)
    assert first is not None
    assert (record.name, record.pipeline, record.sentence) == ("nightly", "trip", "Every night at three.")
    assert (record.last_fire_at, record.next_fire_at) == (first, first + DAY)
    assert record.last_run is not None
    assert record.last_run.state is RunState.COMPLETED


async def test_a_schedule_that_is_triggered_by_hand_runs_now_and_as_planned(database_url: str) -> None:
    async with staged(database_url, [trip], schedules=[nightly]) as stage:
        await stage.process.ticker.fire_due()
        planned = listed(stage)
        started = [await stage.write(stage.process.schedules.trigger, "nightly", actor="ann") for _ in range(2)]
        await stage.process.worker.settled()
        record = listed(stage)
        assert {stage.run(run_id).state for run_id in started} == {RunState.COMPLETED}
        assert (record.last_fire_at, record.next_fire_at) == (planned.last_fire_at, planned.next_fire_at)
        assert record.last_run_id == started[1]
        assert interventions_in(stage) == [("ann", "trigger", '{"schedule": "nightly"}')] * 2


async def test_a_schedule_that_was_never_seen_can_be_triggered_by_hand(database_url: str) -> None:
    async with staged(database_url, [trip], schedules=[nightly]) as stage:
        await stage.write(stage.process.schedules.trigger, "nightly", actor="ann")
        assert count(stage) == 1


@pytest.mark.parametrize("looks", [1, 0], ids=["seen before", "never seen"])
async def test_a_schedule_that_is_paused_is_silent_until_it_is_resumed_and_makes_up_for_nothing(
    database_url: str, looks: int
) -> None:
    async with staged(database_url, [trip], schedules=[nightly]) as stage:
        for _ in range(looks):
            await stage.process.ticker.fire_due()
        await stage.write(stage.process.schedules.pause, "nightly", actor="ann")
        await stage.advance(3 * DAY)
        record = listed(stage)
        assert (count(stage), record.paused_by, record.next_fire_at) == (0, "ann", None)
        await stage.write(stage.process.schedules.resume, "nightly", actor="bob")
        await stage.process.ticker.fire_due()
        record = listed(stage)
        assert (count(stage), record.paused_at, record.next_fire_at) == (0, None, next_three(stage.clock.now()))
        await stage.advance(DAY)
        assert count(stage) == 1
        assert [each[:2] for each in interventions_in(stage)] == [("ann", "pause"), ("bob", "resume")]


async def test_a_trigger_that_changes_during_a_pause_counts_when_it_is_resumed(database_url: str) -> None:
    changed = schedule(trip, CronTrigger(hour=4, timezone=UTC), Trip(), name="nightly")
    async with staged(database_url, [trip], schedules=[nightly]) as stage:
        await stage.write(stage.process.schedules.pause, "nightly", actor="ann")
    async with staged(database_url, [trip], schedules=[changed]) as stage:
        await stage.process.ticker.fire_due()
        assert listed(stage).next_fire_at is None
        await stage.write(stage.process.schedules.resume, "nightly", actor="ann")
        resumed = listed(stage).next_fire_at
    assert resumed is not None
    assert resumed.hour == 4


@SQLITE
async def test_what_is_paused_or_runs_already_is_said(database_url: str) -> None:
    async with staged(database_url, [trip], schedules=[nightly]) as stage:
        pause, resume = stage.process.schedules.pause, stage.process.schedules.resume
        with pytest.raises(StateConflict):
            await stage.write(resume, "nightly", actor="ann")
        await stage.write(pause, "nightly", actor="ann")
        with pytest.raises(StateConflict):
            await stage.write(pause, "nightly", actor="ann")
        await stage.write(resume, "nightly", actor="ann")
        with pytest.raises(StateConflict):
            await stage.write(resume, "nightly", actor="ann")
        assert len(interventions_in(stage)) == 2


@SQLITE
async def test_a_schedule_of_another_name_is_unknown(database_url: str) -> None:
    async with staged(database_url, [trip], schedules=[nightly]) as stage:
        for verb in (stage.process.schedules.trigger, stage.process.schedules.pause, stage.process.schedules.resume):
            with pytest.raises(UnknownSchedule):
                await stage.write(verb, "weekly", actor="ann")


def test_two_schedules_of_one_name_or_a_pipeline_that_nobody_knows_are_refused() -> None:
    with pytest.raises(WiringError, match="two schedules"):
        Schedules([nightly, nightly], [trip])
    with pytest.raises(WiringError, match="none of this process's pipelines"):
        Schedules([nightly], [])
