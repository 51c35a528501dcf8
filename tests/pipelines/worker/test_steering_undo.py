"""An undo that was given up is finished later, and until then nothing goes forward."""

import pytest

from pipelines import (
    Pipeline,
    Reject,
    RunState,
    StateConflict,
    StepContext,
)
from tests.builders.journey import DOWN, ONCE, failed, journey
from tests.builders.world import Trip, World, noted, told

POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@pytest.mark.parametrize(
    ("error", "ending"), [(Reject("full"), RunState.REJECTED), (ValueError("odd"), RunState.FAILED)]
)
async def test_an_undo_that_gave_up_is_finished_and_the_run_ends_as_it_would_have(
    database_url: str, error: Exception, ending: RunState
) -> None:
    pipeline, world = journey(), World()
    world.fails("tell", error)
    world.fails("refund", *DOWN)
    async with failed(database_url, pipeline, world) as (stage, run_id):
        given_up = stage.run(run_id)
        await stage.write(stage.process.steering.retry_undo, run_id, actor="ops")
        await stage.run_to_the_end()
        run = stage.run(run_id)
    assert given_up.state is RunState.FAILED
    assert str(given_up.reason).endswith("; undoing pay was given up: OSError: down")
    assert (run.state, run.reason) == (ending, moved_reason(error))
    assert told(run)[-1] == "undo pay: success"
    assert noted(database_url) == ["checked", "booked", "unbooked", "failed", str(ending)]
    assert len(world.keys("refund")) == 1


def moved_reason(error: Exception) -> str:
    return error.reason if isinstance(error, Reject) else f"{type(error).__name__}: {error}"


async def test_several_undos_that_gave_up_are_finished_in_reverse_order(database_url: str) -> None:
    pipeline, world = Pipeline("trip", Trip), World()

    async def unfirst(world: World, step: StepContext) -> None:
        await world.call("unfirst", step)

    async def unsecond(world: World, step: StepContext) -> None:
        await world.call("unsecond", step)

    @pipeline.step(undo=unfirst, undo_retry=ONCE)
    async def first(world: World, step: StepContext) -> None:
        await world.call("first", step)

    @pipeline.step(undo=unsecond, undo_retry=ONCE)
    async def second(world: World, step: StepContext) -> None:
        raise Reject("full")

    world.fails("unfirst", *DOWN, OSError("again"))
    world.fails("unsecond", *DOWN, OSError("again"))
    async with failed(database_url, pipeline, world) as (stage, run_id):
        await stage.write(stage.process.steering.retry_undo, run_id, actor="ops")
        await stage.run_to_the_end()
        run = stage.run(run_id)
    assert run.state is RunState.REJECTED
    numbers = [(each.step, each.number, str(each.outcome)) for each in run.attempts[-4:]]
    assert numbers == [("second", 3, "retry"), ("second", 4, "success"), ("first", 3, "retry"), ("first", 4, "success")]


async def test_a_run_that_is_undone_in_part_cannot_go_forward(database_url: str) -> None:
    pipeline, world = journey(), World()
    world.fails("tell", ValueError("odd"))
    world.fails("refund", *DOWN)
    async with failed(database_url, pipeline, world) as (stage, run_id):
        with pytest.raises(StateConflict, match="retry_undo"):
            await stage.write(stage.process.steering.retry, run_id, actor="ops")
        await stage.write(stage.process.steering.retry_undo, run_id, actor="ops")
        await stage.run_to_the_end()
        await stage.write(stage.process.steering.retry, run_id, actor="ops")
        await stage.run_to_the_end()
        assert stage.run(run_id).state is RunState.COMPLETED
