"""Steps that may fail: the run goes on after them, and says at its end what it has left behind."""

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Connection, update
from tenacity import wait_none

from pipelines import Pipeline, Reject, Retry, RunState, StepContext, cancel
from pipelines.events import Event, StepRaised
from pipelines.journal.tables import runs
from tests.builders.desk import from_outside
from tests.builders.world import Trip, World, journal_row, played, staged, told

TWICE = Retry(on=(OSError,), attempts=2, wait=wait_none())


def trip_that_goes_on() -> Pipeline[Trip]:
    """Three calls, none of which needs another."""
    pipeline = Pipeline("trip", Trip)
    for name in ("wave", "pack", "leave"):

        @pipeline.step(name=name, retry=TWICE)
        async def call(world: World, step: StepContext) -> None:
            await world.call(step.step, step)

    pipeline.steps = tuple(replace(step, may_fail=True) for step in pipeline.steps)
    return pipeline


def cancelled_elsewhere(connection: Connection) -> None:
    """Another process has cancelled all runs, and this one has not heard of it yet."""
    connection.execute(update(runs).values(ending=RunState.CANCELLED, reason="changed my mind"))


async def test_the_following_steps_have_their_turn_and_the_run_names_what_failed(database_url: str) -> None:
    world = World()
    world.fails("wave", OSError("no hand"), OSError("no arm"))
    world.fails("leave", Reject("no train"))
    run = await played(database_url, trip_that_goes_on(), world)
    assert told(run) == [
        "do wave: retry",
        "do wave: failed",
        "do pack: success",
        "do leave: rejected",
    ]
    assert (run.state, run.reason) == (RunState.FAILED, "wave: OSError: no arm; leave: no train")


@pytest.mark.parametrize("failing", ["wave", "pack", "leave"])
async def test_a_run_that_is_not_wholly_done_stays_at_the_first_step_to_do_again(tmp_path: Path, failing: str) -> None:
    world = World()
    world.fails(failing, Reject("no"))
    run = await played(f"sqlite:///{tmp_path / 'trip.db'}", trip_that_goes_on(), world)
    assert (run.state, run.step) == (RunState.FAILED, failing)


async def test_what_was_left_behind_is_not_forgotten_when_the_process_changes(database_url: str) -> None:
    world, pipeline = World(), trip_that_goes_on()
    world.fails("wave", Reject("no hand"))
    gate = world.holds("pack")
    async with staged(database_url, [pipeline], world) as stage:
        run_id = await stage.start(pipeline, Trip())
        await gate.reached.wait()
    gate.opened.set()
    async with staged(database_url, [pipeline], world) as stage:
        await stage.run_to_the_end()
        run = stage.run(run_id)
    assert world.heard == ["wave", "pack", "pack", "leave"]
    assert (run.state, run.reason, run.step) == (RunState.FAILED, "wave: no hand", "wave")


async def test_a_cancelled_run_ends_cancelled_whatever_it_has_left_behind(database_url: str) -> None:
    world, pipeline = World(), trip_that_goes_on()
    world.fails("wave", Reject("no hand"))
    gate = world.holds("leave")
    async with staged(database_url, [pipeline], world) as stage:
        run_id = await stage.start(pipeline, Trip())
        await gate.reached.wait()
        await stage.write(cancel, run_id, reason="changed my mind")
        await stage.run_to_the_end()
        row = journal_row(stage, run_id)
    assert (row.state, row.reason) == (RunState.CANCELLED, "changed my mind")


async def test_a_cancellation_that_comes_in_before_the_last_move_wins(database_url: str) -> None:
    world, pipeline = World(), trip_that_goes_on()
    world.fails("wave", Reject("no hand"))
    gate = world.holds("leave")
    async with staged(database_url, [pipeline], world) as stage:
        run_id = await stage.start(pipeline, Trip())
        await gate.reached.wait()
        from_outside(database_url, cancelled_elsewhere)
        gate.opened.set()
        await stage.run_to_the_end()
        row = journal_row(stage, run_id)
    assert (row.state, row.reason) == (RunState.CANCELLED, "changed my mind")


async def test_what_a_step_raises_is_told_with_the_error_itself(tmp_path: Path) -> None:
    world, events, error = World(), list[Event](), Reject("no hand")
    world.fails("wave", error)
    await played(f"sqlite:///{tmp_path / 'trip.db'}", trip_that_goes_on(), world, events=events)
    assert [(event.error, event.is_final) for event in events if isinstance(event, StepRaised)] == [(error, True)]
