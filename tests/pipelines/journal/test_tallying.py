"""How many runs have ended, when and how."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.sql import Executable

from pipelines import Pipeline, ReadSession, Reject, RunState, StepContext, died_runs, ended_runs, glance, time_limit
from pipelines.journal import open_for_reading, tallying
from pipelines.testing import Rehearsal
from tests.builders.world import Trip, World, staged
from tests.harness.clocks import ROUNDING
from tests.harness.plans import fill, plan_of

HOUR = timedelta(hours=1)


def one_call() -> Pipeline[Trip]:
    pipeline = Pipeline("trip", Trip)

    @pipeline.step()
    async def go(trip: Trip, world: World, step: StepContext) -> None:
        await world.call(trip.to, step)

    return pipeline


async def played_by(stage: Rehearsal, pipeline: Pipeline[Trip], *to: str) -> datetime:
    """Trips that are over; the tick in which that was begins with the time that is returned."""
    for each in to:
        await stage.start(pipeline, Trip(to=each))
    await stage.run_to_the_end()
    return stage.process.clock.now()


async def test_what_ended_is_counted_by_tick_and_state(database_url: str) -> None:
    pipeline, world = one_call(), World()
    world.fails("Rome", Reject("no such road"))
    async with staged(database_url, [pipeline], world) as stage:
        began = stage.process.clock.now()
        await played_by(stage, pipeline, "Oslo", "Oslo")
        stage.process.clock.advance(timedelta(minutes=10))  # type: ignore[attr-defined] # a test's clock
        later = await played_by(stage, pipeline, "Oslo", "Rome")
        found = stage.read(lambda session: ended_runs(session, "trip", began - HOUR, later + HOUR))
        runs = stage.runs()
    assert found.reached is None
    assert all(tick % tallying.TICK_SECONDS == 0 for tick, _ in found.counts)
    assert sum(found.counts.values()) == len(runs)
    for tick, state in found.counts:
        assert [run for run in runs if run.state is state and within(run.finished_at, tick)]
    assert {state for _, state in found.counts} == {RunState.COMPLETED, RunState.REJECTED}


def within(at: datetime | None, tick: int) -> bool:
    return at is not None and tick <= at.timestamp() < tick + tallying.TICK_SECONDS


async def test_only_what_ended_in_that_time_is_counted(database_url: str) -> None:
    pipeline = one_call()
    async with staged(database_url, [pipeline]) as stage:
        now = await played_by(stage, pipeline, "Oslo")
        before = stage.read(lambda session: ended_runs(session, "trip", now - HOUR, now - timedelta(minutes=1)))
        after = stage.read(lambda session: ended_runs(session, "trip", now + timedelta(minutes=1), now + HOUR))
        others = stage.read(lambda session: ended_runs(session, "other", now - HOUR, now + HOUR))
    assert (before.counts, after.counts, others.counts) == ({}, {}, {})


async def test_a_long_history_is_read_part_by_part_each_run_once(database_url: str) -> None:
    pipeline = one_call()
    async with staged(database_url, [pipeline]) as stage:
        now = await played_by(stage, pipeline, *["Oslo"] * 5)
        sizes: list[int] = []
        reached: UUID | None = tallying.LAST
        while reached is not None:
            with ReadSession(stage.process.readers) as session:
                part = ended_runs(session, "trip", now - HOUR, now + HOUR, before=reached, most=2)
            sizes.append(sum(part.counts.values()))
            reached = part.reached
    assert sizes == [2, 2, 1]


async def test_dead_letters_are_found_however_long_they_took_to_die(database_url: str) -> None:
    pipeline, world = one_call(), World()
    world.fails("Rome", OSError("down"))
    gate = world.holds("Rome")
    async with staged(database_url, [pipeline], world) as stage:
        await stage.start(pipeline, Trip(to="Rome"))
        await gate.reached.wait()
        stage.process.clock.advance(timedelta(hours=3))  # type: ignore[attr-defined] # a test's clock
        gate.opened.set()
        now = await played_by(stage, pipeline)
        since, until = now - timedelta(minutes=5), now + timedelta(minutes=5)
        dead = stage.read(lambda session: died_runs(session, "trip", since, until))
        walked = stage.read(lambda session: ended_runs(session, "trip", since, until))
        earlier = stage.read(lambda session: died_runs(session, "trip", since - HOUR, since))
    assert [(state, count) for (_, state), count in dead.items()] == [(RunState.FAILED, 1)]
    assert walked.counts == {}
    assert earlier == {}


async def test_a_glance_tells_what_is_open_and_who_is_alive(database_url: str) -> None:
    pipeline = one_call()
    async with staged(database_url, [pipeline]) as stage:
        await played_by(stage, pipeline, "Oslo")
        stage.process._slots.close()
        before = datetime.now(UTC)
        await stage.start(pipeline, Trip())
        after, seen = datetime.now(UTC), stage.read(glance)
    assert seen.depths == {("trip", RunState.READY): 1}
    assert before - ROUNDING <= seen.oldest_ready["trip"] <= after + ROUNDING
    assert (seen.live, seen.draining, seen.working) == (1, 0, 1)


async def test_who_only_answers_requests_lives_and_does_not_work(database_url: str) -> None:
    async with staged(database_url, [one_call()], slots=0) as stage:
        seen = stage.read(glance)
    assert (seen.live, seen.working) == (1, 0)


@pytest.fixture
def filled(database_url: str) -> Iterator[Engine]:
    """As a reader sees it: it may scan a table if it wants to."""
    fill(database_url).dispose()
    engine = open_for_reading(database_url)
    yield engine
    engine.dispose()


def test_nothing_is_read_but_the_part_of_history_that_was_asked_for(filled: Engine) -> None:
    now = datetime.now(UTC)
    bound = {
        "pipeline": "trip",
        "since": now,
        "until": now,
        "first": tallying.LAST,
        "before": UUID(int=0),
        "most": 10,
        "state": RunState.FAILED,
    }
    asked: list[tuple[Executable, str]] = [
        (tallying._ENDED, "ix_runs_ended"),
        (tallying._DEAD, "ix_runs_dead_letters"),
    ]
    assert [index for statement, index in asked if index not in plan_of(filled, statement, bound)] == []


ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000) SELECT max(i) FROM n"


def test_what_takes_too_long_is_broken_off_and_the_connection_is_as_before(filled: Engine) -> None:
    with ReadSession(filled) as session, pytest.raises(OperationalError), time_limit(session, 0.05):
        session.connection().exec_driver_sql(ENDLESS)
    with ReadSession(filled) as session:
        assert session.connection().exec_driver_sql(ENDLESS.replace("1000000000", "100000")).scalar_one() == 100_000
