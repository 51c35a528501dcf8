"""What has ended in failure goes forward again, from where it was undone or where it failed."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from pipelines import (
    ReadSession,
    RunState,
    StateConflict,
    UnknownRun,
    cancel,
    interventions_of,
    start,
)
from pipelines.testing import Rehearsal
from tests.builders.journey import DOWN, failed, journey
from tests.builders.world import Trip, World, journal_row, noted, staged, told

POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


async def test_what_was_undone_is_done_again_under_new_keys(database_url: str) -> None:
    pipeline, world = journey(), World()
    world.fails("tell", *DOWN)
    async with failed(database_url, pipeline, world) as (stage, run_id):
        await stage.write(stage.process.steering.retry, run_id, actor="ops", reason="mail is back")
        await stage.run_to_the_end()
        run = stage.run(run_id)
    assert (run.state, run.reason) == (RunState.COMPLETED, None)
    assert told(run)[-3:] == ["do book: success", "do pay: success", "do tell: success"]
    assert noted(database_url) == [
        "checked",
        "booked",
        "unbooked",
        "failed",
        "open again to Oslo",
        "booked",
        "completed",
    ]
    assert len(world.keys("pay")) == 2


async def test_what_was_not_undone_is_not_done_again_and_the_failed_step_keeps_its_key(database_url: str) -> None:
    pipeline, world = journey(pay_can_be_undone=False), World()
    world.fails("tell", *DOWN)
    async with failed(database_url, pipeline, world) as (stage, run_id):
        await stage.write(stage.process.steering.retry, run_id, actor="ops")
        await stage.run_to_the_end()
        run = stage.run(run_id)
    assert world.heard == ["pay", "tell", "tell", "tell"]
    assert len(world.keys("tell")) == 1
    assert [(each.step, each.number) for each in run.attempts[-3:]] == [("tell", 1), ("tell", 2), ("tell", 3)]


async def test_a_retried_run_has_all_its_attempts_again(database_url: str) -> None:
    pipeline, world = journey(pay_can_be_undone=False), World()
    world.fails("tell", *DOWN, OSError("still down"))
    async with failed(database_url, pipeline, world) as (stage, run_id):
        await stage.write(stage.process.steering.retry, run_id, actor="ops")
        await stage.run_to_the_end()
        assert stage.run(run_id).state is RunState.COMPLETED


async def test_a_run_can_be_retried_again_and_again(database_url: str) -> None:
    pipeline, world = journey(), World()
    world.fails("tell", *DOWN, *DOWN)
    async with failed(database_url, pipeline, world) as (stage, run_id):
        for _ in range(2):
            await stage.write(stage.process.steering.retry, run_id, actor="ops")
            await stage.run_to_the_end()
        assert stage.run(run_id).state is RunState.COMPLETED
    assert len(world.keys("pay")) == 3
    assert len(world.keys("refund")) == 2


async def test_a_retried_run_that_is_cancelled_before_its_first_step_undoes_nothing_twice(database_url: str) -> None:
    pipeline, world = journey(), World()
    world.fails("tell", *DOWN)
    async with failed(database_url, pipeline, world) as (stage, run_id):
        await stage.write(stage.process.steering.retry, run_id, actor="ops")
    async with staged(database_url, [pipeline], world, slots=0) as stage:
        await stage.write(cancel, run_id, reason="not needed", actor="ada")
    async with staged(database_url, [pipeline], world) as stage:
        await stage.run_to_the_end()
        run = stage.run(run_id)
    assert run.state is RunState.CANCELLED
    assert world.heard.count("refund") == 1


async def test_who_did_it_is_written_down(database_url: str) -> None:
    pipeline, world = journey(), World()
    world.fails("tell", *DOWN)
    async with failed(database_url, pipeline, world) as (stage, run_id):
        await stage.write(stage.process.steering.retry, run_id, actor="ada", reason="mail is back")
        with ReadSession(stage.process.readers) as session:
            [row] = interventions_of(session, run_id)
    assert (row.actor, row.action, row.pipeline) == ("ada", "retry", "trip")
    assert row.details == {"reason": "mail is back"}


async def both_retry(run_id: UUID, *stages: Rehearsal) -> list[str]:
    """What each of them was answered, in short."""
    retries = [stage.write(stage.process.steering.retry, run_id, actor="ops") for stage in stages]
    answers = await asyncio.gather(*retries, return_exceptions=True)
    return sorted(type(answer).__name__ for answer in answers)


async def test_of_two_retries_one_is_refused(database_url: str) -> None:
    pipeline, world = journey(), World()
    world.fails("tell", *DOWN)
    async with failed(database_url, pipeline, world) as (stage, run_id):
        assert await both_retry(run_id, stage, stage) == ["NoneType", "StateConflict"]
    assert noted(database_url).count("open again to Oslo") == 1


@POSTGRESQL
async def test_of_the_retries_of_two_processes_one_is_refused(database_url: str) -> None:
    pipeline, world = journey(), World()
    world.fails("tell", *DOWN)
    async with failed(database_url, pipeline, world) as (stage, run_id), staged(database_url, [pipeline]) as other:
        assert await both_retry(run_id, stage, other) == ["NoneType", "StateConflict"]
    assert noted(database_url).count("open again to Oslo") == 1


async def test_only_what_has_stopped_is_taken_up(database_url: str) -> None:
    pipeline, world = journey(), World()
    async with failed(database_url, pipeline, world) as (stage, run_id):
        with pytest.raises(StateConflict, match="completed"):
            await stage.write(stage.process.steering.retry, run_id, actor="ops")
        with pytest.raises(UnknownRun):
            await stage.write(stage.process.steering.retry, uuid4(), actor="ops")
        with pytest.raises(StateConflict, match="completed"):
            await stage.write(stage.process.steering.retry_undo, run_id, actor="ops")


@pytest.mark.parametrize("given", [None, timedelta(hours=9)])
async def test_a_deadline_is_counted_from_the_retry(database_url: str, given: timedelta | None) -> None:
    pipeline, world = journey(deadline=timedelta(hours=2)), World()
    world.fails("tell", *DOWN)
    async with failed(database_url, pipeline, world) as (stage, run_id):
        stage.clock.advance(timedelta(days=1))
        now = stage.clock.now()
        await stage.write(stage.process.steering.retry, run_id, actor="ops", deadline=given)
        deadline_at = stage.run(run_id).deadline_at
    assert deadline_at is not None
    assert abs(deadline_at - now - (given or timedelta(hours=2))) < timedelta(seconds=30)


async def test_a_deadline_of_its_own_that_has_passed_falls_away(database_url: str) -> None:
    pipeline, world = journey(), World()
    world.fails("tell", *DOWN)
    async with staged(database_url, [pipeline], world) as stage:
        run_id = await stage.write(start, pipeline, Trip(), deadline=timedelta(hours=1))
        await stage.run_to_the_end()
        stage.clock.advance(timedelta(days=1))
        await stage.write(stage.process.steering.retry, run_id, actor="ops")
        assert stage.run(run_id).deadline_at is None


async def test_a_retried_run_stands_last_in_its_line(database_url: str) -> None:
    pipeline, world = journey(), World()
    world.fails("tell", *DOWN)
    async with staged(database_url, [pipeline], world) as stage:
        first = await stage.write(start, pipeline, Trip(), serial="ada")
        await stage.run_to_the_end()
        gate = world.holds("pay")
        await stage.write(start, pipeline, Trip(), serial="ada")
        third = await stage.write(start, pipeline, Trip(), serial="ada")
        await stage.write(stage.process.steering.retry, first, actor="ops")
        assert journal_row(stage, first).serial_place > journal_row(stage, third).serial_place
        gate.opened.set()
        await stage.run_to_the_end()
        assert stage.run(first).state is RunState.COMPLETED
