"""A run gets another input, or a new run gets its input."""

import pytest
from pydantic import BaseModel, ValidationError
from sqlalchemy import update

from pipelines import (
    Pipeline,
    ReadSession,
    RunState,
    StateConflict,
    interventions_of,
    start,
)
from pipelines.journal.tables import runs
from tests.builders.desk import from_outside
from tests.builders.journey import DOWN, failed, journey
from tests.builders.world import Trip, World, noted, staged

POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


async def test_an_input_that_cannot_be_read_is_repaired_and_the_run_retried(database_url: str) -> None:
    pipeline, world = journey(), World()
    async with staged(database_url, [pipeline], world, slots=0) as stage:
        run_id = await stage.start(pipeline, Trip())
    from_outside(database_url, lambda connection: connection.execute(update(runs).values(payload='{"to": 7}')))
    async with staged(database_url, [pipeline], world) as stage:
        steering = stage.process.steering
        await stage.run_to_the_end()
        assert str(stage.run(run_id).reason).startswith("cannot be read")
        with pytest.raises(StateConflict, match="repair"):
            await stage.write(steering.retry, run_id, actor="ops")
        with pytest.raises(ValidationError):
            await stage.write(steering.repair, run_id, {"to": 8}, actor="ops")
        await stage.write(steering.repair, run_id, {"to": "Rome"}, actor="ops")
        await stage.write(steering.retry, run_id, actor="ops")
        await stage.run_to_the_end()
        assert stage.run(run_id).state is RunState.COMPLETED
        with ReadSession(stage.process.readers) as session:
            assert interventions_of(session, run_id)[0].details["before"] == '{"to": 7}'
    assert "open again to Rome" in noted(database_url)


async def test_a_replay_is_a_new_run_with_the_same_input(database_url: str) -> None:
    pipeline, world = journey(), World()
    async with staged(database_url, [pipeline], world) as stage:
        old = await stage.write(start, pipeline, Trip(to="Rome"), key="once")
        await stage.run_to_the_end()
        before = stage.run(old)
        new = await stage.write(stage.process.steering.replay, old, actor="ops")
        await stage.run_to_the_end()
        assert stage.run(old) == before
        assert (stage.run(new).payload, stage.run(new).state) == (before.payload, RunState.COMPLETED)
        with ReadSession(stage.process.readers) as session:
            assert interventions_of(session, old)[0].details == {"new_run": str(new)}


class Voyage(BaseModel):
    """A later shape of the input."""

    to: str
    by: str


@POSTGRESQL
async def test_a_run_of_a_version_that_nobody_here_knows_is_left_alone(database_url: str) -> None:
    world = World()
    world.fails("tell", *DOWN)
    async with failed(database_url, journey(), world) as (_, run_id):
        pass
    newer = Pipeline("trip", Voyage)
    newer.step()(lambda: None)
    async with staged(database_url, [newer]) as stage:
        with pytest.raises(StateConflict, match="does not know version"):
            await stage.write(stage.process.steering.retry, run_id, actor="ops")
