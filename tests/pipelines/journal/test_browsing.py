"""What can be seen of runs without touching them."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from sqlalchemy.sql import Executable

from pipelines import Pipeline, ReadSession, RunState, StepContext, find_run, standings
from pipelines.journal import browsing
from tests.builders.world import Trip, World, staged
from tests.harness.plans import fill, plan_of


def one_call() -> Pipeline[Trip]:
    pipeline = Pipeline("trip", Trip)

    @pipeline.step()
    async def go(trip: Trip, world: World, step: StepContext) -> None:
        await world.call(trip.to, step)

    return pipeline


async def test_a_run_is_found_with_its_attempts(database_url: str) -> None:
    pipeline = one_call()
    async with staged(database_url, [pipeline]) as stage:
        run_id = await stage.start(pipeline, Trip())
        await stage.run_to_the_end()
        with ReadSession(stage.process.readers) as session:
            run = find_run(session, run_id)
            unknown = find_run(session, uuid4())
    assert unknown is None
    assert run is not None
    assert (run.pipeline, run.version, run.state) == ("trip", pipeline.version, RunState.COMPLETED)
    assert [(attempt.step, attempt.number, attempt.outcome) for attempt in run.attempts] == [("go", 1, "success")]
    assert run.finished_at is not None
    assert run.created_at <= run.attempts[0].started_at <= run.attempts[0].finished_at <= run.finished_at


async def test_it_is_said_where_several_runs_stand(database_url: str) -> None:
    pipeline = one_call()
    async with staged(database_url, [pipeline]) as stage:
        done = await stage.start(pipeline, Trip())
        await stage.run_to_the_end()
        with ReadSession(stage.process.readers) as session:
            found = standings(session, [done, uuid4()])
            none = standings(session, [])
    assert {run_id: (run.state, run.step) for run_id, run in found.items()} == {done: (RunState.COMPLETED, "go")}
    assert none == {}


async def test_open_and_dead_runs_are_counted_and_finished_ones_are_not(database_url: str) -> None:
    pipeline, world = one_call(), World()
    world.fails("Rome", OSError("down"))
    async with staged(database_url, [pipeline], world) as stage:
        for to in ("Oslo", "Rome"):
            await stage.start(pipeline, Trip(to=to))
        await stage.run_to_the_end()
        stage.process._slots.close()
        before = datetime.now(UTC)
        await stage.start(pipeline, Trip())
        await stage.start(pipeline, Trip())
        with ReadSession(stage.process.readers) as session:
            depths, oldest = browsing.depths(session), browsing.oldest_ready(session)
    assert depths == {("trip", RunState.READY): 2, ("trip", RunState.FAILED): 1}
    assert abs((oldest["trip"] - before).total_seconds()) < 1


@pytest.mark.parametrize("statement", [browsing._OLDEST_READY, browsing._NEXT_DUE], ids=["oldest ready", "next due"])
def test_what_waits_is_found_by_its_index(database_url: str, statement: Executable) -> None:
    engine = fill(database_url)
    assert "ix_runs_claimable" in plan_of(engine, statement, {"skew": 0.0})
    engine.dispose()
