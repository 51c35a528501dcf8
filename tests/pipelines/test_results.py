"""What a run is for: one of its steps returns it, and whoever looks at the record can read it."""

from typing import Any

import pytest
from pydantic import BaseModel

from pipelines import Pipeline, RunState, StepContext, WiringError
from pipelines.fastapi.views import Results
from pipelines.worker import wire
from tests.builders.journeys import Diary, journey
from tests.builders.world import Trip, World, played


class Album(BaseModel):
    """What a journey was for, once."""

    photos: int


def errand(world_has: str = "Oslo") -> Pipeline[Trip]:
    """Two steps; the first one returns what it is for, and the second one may fail."""
    pipeline = Pipeline("errand", Trip, result=Diary)

    @pipeline.step()
    async def write() -> Diary:
        return Diary(pages=2)

    @pipeline.step()
    async def post(world: World, step: StepContext) -> None:
        await world.call(world_has, step)

    return pipeline


async def test_the_result_of_a_run_is_read_from_its_record(database_url: str) -> None:
    pipeline = errand()
    run = await played(database_url, pipeline)
    assert pipeline.result_of(run) == Diary(pages=2)


async def test_a_run_that_did_not_complete_has_no_result(database_url: str) -> None:
    pipeline, world = errand(), World()
    world.fails("Oslo", OSError("closed"))
    run = await played(database_url, pipeline, world)
    assert run.state is RunState.FAILED
    assert pipeline.result_of(run) is None


async def test_a_pipeline_without_a_declared_result_has_none(database_url: str) -> None:
    run = await played(database_url, errand())
    assert Pipeline("errand", Trip).result_of(run) is None


async def test_a_result_that_other_code_has_stored_is_shown_as_it_is(database_url: str) -> None:
    run = await played(database_url, errand())
    today = errand()
    today.step(name="archive")(lambda: None)
    assert today.version != run.version
    assert Results([today]).of(run) == {"pages": 2}
    assert Results([journey()]).of(run) is None


def nobody_returns_it(pipeline: Pipeline[Any]) -> None:
    pipeline.step()(_return_nothing)


def two_return_it(pipeline: Pipeline[Any]) -> None:
    pipeline.step(name="one")(_return_an_album)
    pipeline.step(name="two")(_return_an_album)


def _return_nothing(trip: Trip) -> None: ...


def _return_an_album(trip: Trip) -> Album:
    return Album(photos=len(trip.to))


@pytest.mark.parametrize("declare", [nobody_returns_it, two_return_it])
def test_exactly_one_step_returns_what_was_declared(declare: Any) -> None:
    pipeline = Pipeline("album", Trip, result=Album)
    declare(pipeline)
    with pytest.raises(WiringError, match="album: one step has to return its result Album"):
        wire([pipeline], {})
