"""A paused pipeline begins nothing: its runs wait where they stand, and go on as if nothing had been."""

import asyncio

import pytest

from pipelines import Pipeline, ReadSession, RunState, StepContext, cancel, latest_interventions, pause, resume
from pipelines.worker.pauses import Pauses
from tests.builders.world import Trip, World, journal_row, staged

POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


def two_calls(name: str = "trip") -> Pipeline[Trip]:
    pipeline = Pipeline(name, Trip)

    async def unpay(world: World, step: StepContext) -> None:
        await world.call("unpay", step)

    @pipeline.step(undo=unpay)
    async def pay(world: World, step: StepContext) -> None:
        await world.call("pay", step)

    @pipeline.step()
    async def tell(world: World, step: StepContext) -> None:
        await world.call("tell", step)

    return pipeline


async def test_runs_of_a_paused_pipeline_are_started_and_wait(database_url: str) -> None:
    pipeline, other, world = two_calls(), two_calls("other"), World()
    async with staged(database_url, [pipeline, other], world) as stage:
        await stage.write(pause, "trip", actor="ops", reason="the bank is down")
        run_id = await stage.start(pipeline, Trip())
        stage.process.worker.look()
        await stage.process.worker.settled()
        row = journal_row(stage, run_id)
        assert (row.state, row.fence, world.heard) == (RunState.READY, 0, [])
        not_paused = await stage.start(other, Trip())
        await stage.process.worker.settled()
        assert stage.run(not_paused).state is RunState.COMPLETED


async def test_what_was_paused_goes_on_where_it_stood(database_url: str) -> None:
    pipeline, world = two_calls(), World()
    gate = world.holds("pay")
    async with staged(database_url, [pipeline], world) as stage:
        run_id = await stage.start(pipeline, Trip())
        await gate.reached.wait()
        await stage.write(pause, "trip", actor="ops", reason="the bank is down")
        gate.opened.set()
        await stage.process.worker.settled()
        row = journal_row(stage, run_id)
        assert (row.state, row.step, row.owner, row.crashes, row.attempt) == (RunState.READY, "tell", None, 0, 0)
        await stage.write(resume, "trip", actor="ops")
        await stage.run_to_the_end()
        run = stage.run(run_id)
    assert (run.state, world.heard) == (RunState.COMPLETED, ["pay", "tell"])
    assert [each.number for each in run.attempts] == [1, 1]


async def test_what_is_cancelled_during_a_pause_is_undone_after_it(database_url: str) -> None:
    pipeline, world = two_calls(), World()
    gate = world.holds("pay")
    async with staged(database_url, [pipeline], world) as stage:
        run_id = await stage.start(pipeline, Trip())
        await gate.reached.wait()
        await stage.write(pause, "trip", actor="ops", reason="the bank is down")
        gate.opened.set()
        await stage.process.worker.settled()
        await stage.write(cancel, run_id, reason="not needed")
        await stage.process.worker.settled()
        assert (stage.run(run_id).state, world.heard) == (RunState.UNDOING, ["pay"])
        await stage.write(resume, "trip", actor="ops")
        await stage.run_to_the_end()
        assert (stage.run(run_id).state, world.heard) == (RunState.CANCELLED, ["pay", "unpay"])


async def test_a_process_that_starts_knows_what_is_paused(database_url: str) -> None:
    pipeline, world = two_calls(), World()
    async with staged(database_url, [pipeline], slots=0) as stage:
        run_id = await stage.start(pipeline, Trip())
        await stage.write(pause, "trip", actor="ops", reason="the bank is down")
    async with staged(database_url, [pipeline], world) as stage:
        stage.process.worker.look()
        await stage.process.worker.settled()
        assert (stage.run(run_id).state, world.heard) == (RunState.READY, [])


@POSTGRESQL
async def test_other_processes_learn_of_it_with_their_next_sweep(database_url: str) -> None:
    pipeline, world = two_calls(), World()
    async with staged(database_url, [pipeline], world) as stage, staged(database_url, [], slots=0) as other:
        await other.write(pause, "trip", actor="ops", reason="the bank is down")
        assert "trip" not in stage.process.worker.pauses
        await stage.process._sweep._look_around()
        assert "trip" in stage.process.worker.pauses
        run_id = await stage.start(pipeline, Trip())
        await other.write(resume, "trip", actor="ops")
        await stage.process._sweep._look_around()
        await stage.run_to_the_end()
        assert stage.run(run_id).state is RunState.COMPLETED


async def test_who_paused_and_resumed_is_written_down_once_each(database_url: str) -> None:
    async with staged(database_url, [two_calls()]) as stage:
        for actor in ("ada", "bob"):
            await stage.write(pause, "trip", actor=actor, reason="the bank is down")
        for actor in ("ada", "bob"):
            await stage.write(resume, "trip", actor=actor)
        with ReadSession(stage.process.readers) as session:
            rows = latest_interventions(session, 10)
    assert [(row.action, row.actor) for row in rows] == [("resume", "ada"), ("pause", "ada")]


async def test_two_who_pause_at_once_are_both_content(database_url: str) -> None:
    async with staged(database_url, [two_calls()]) as stage:
        both = [stage.write(pause, "trip", actor=actor, reason="the bank is down") for actor in ("ada", "bob")]
        await asyncio.gather(*both)
        with ReadSession(stage.process.readers) as session:
            assert len(latest_interventions(session, 10)) == 1


def test_what_was_read_before_a_pause_does_not_end_it() -> None:
    pauses = Pauses()
    heard = pauses.heard
    pauses.begin("trip")
    assert not pauses.learn([], heard)
    assert "trip" in pauses
