"""A suspect is alone in its process until its first attempt row; neither it nor the others are starved."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import update

from pipelines import Pipeline, RunState, StepContext, Transaction
from pipelines.journal.tables import runs
from pipelines.testing import Rehearsal
from pipelines.worker import Interruption, quiet_room
from pipelines.worker.quiet_room import QuietRoom
from tests.builders.world import Gate, Trip, World, journal_row, staged

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
pytestmark = SQLITE
A_LITTLE = timedelta(seconds=1)  # a clock that stands is as exact as the way to the database is quick


def two_calls() -> Pipeline[Trip]:
    pipeline = Pipeline("trip", Trip)

    @pipeline.step()
    async def go(trip: Trip, world: World, step: StepContext) -> None:
        await world.call(trip.to, step)

    @pipeline.step()
    async def come_back(trip: Trip, world: World, step: StepContext) -> None:
        await world.call(f"back from {trip.to}", step)

    return pipeline


async def suspect_of(database_url: str, pipeline: Pipeline[Trip], to: str = "poison") -> UUID:
    """A run that nobody has taken, and with which two processes have died."""
    async with staged(database_url, [], slots=0) as stage:
        run_id = await stage.start(pipeline, Trip(to=to))
        await stage.write(_crash_twice, run_id)
    return run_id


def _crash_twice(tx: Transaction, run_id: UUID) -> None:
    tx.execute(update(runs).where(runs.c.id == run_id).values(crashes=2))


def room_of(stage: Rehearsal) -> QuietRoom:
    return stage.process.worker._room


async def claimed(stage: Rehearsal) -> None:
    stage.clock.advance(A_LITTLE)
    stage.process.worker.look_for_suspects()
    while (claiming := stage.process.worker._claiming) is not None:
        await asyncio.wait([claiming])


async def gone(stage: Rehearsal, run_id: UUID) -> None:
    """Until the worker has let go of it."""
    await asyncio.wait([task for task in stage.process.worker._tasks if task.get_name() == f"run {run_id}"])


async def beside(stage: Rehearsal, pipeline: Pipeline[Trip], gate: Gate) -> UUID:
    """A run whose step is in flight."""
    run_id = await stage.start(pipeline, Trip(to="Oslo"))
    await gate.reached.wait()
    return run_id


async def test_a_suspect_begins_when_all_others_pause_and_they_go_on_when_it_has_shown_itself(
    database_url: str,
) -> None:
    pipeline, world = two_calls(), World()
    suspect = await suspect_of(database_url, pipeline)
    in_flight, alone = world.holds("Oslo"), world.holds("poison")
    async with staged(database_url, [pipeline], world) as stage:
        other = await beside(stage, pipeline, in_flight)
        await claimed(stage)
        assert not journal_row(stage, suspect).solo  # somebody else may still kill the process
        in_flight.opened.set()
        await alone.reached.wait()
        new = await stage.start(pipeline, Trip(to="Rome"))
        assert journal_row(stage, suspect).solo
        assert journal_row(stage, other).step == "come_back"
        assert journal_row(stage, new).owner is None
        assert world.heard == ["Oslo", "poison"]
        alone.opened.set()
        await stage.run_to_the_end()
        assert {stage.run(each).state for each in (suspect, other, new)} == {RunState.COMPLETED}


async def test_a_suspect_that_others_do_not_make_way_for_goes_elsewhere(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quiet_room, "PATIENCE_SECONDS", 0.02)
    pipeline, world = two_calls(), World()
    suspect = await suspect_of(database_url, pipeline)
    in_flight = world.holds("Oslo")
    async with staged(database_url, [pipeline], world) as stage:
        await beside(stage, pipeline, in_flight)
        rests, room = list[float](), room_of(stage)
        monkeypatch.setattr(room, "_on_open", rests.append)  # else it is claimed again when the rest is over
        await claimed(stage)
        await gone(stage, suspect)
        row = journal_row(stage, suspect)
        assert (row.state, row.owner, row.crashes, row.solo) == (RunState.READY, None, 2, False)
        [rest] = rests
        assert rest >= 0.02  # first the others have their turn, and next time it waits longer
        assert room._rested_at >= room._shut_at + 2 * rest
        assert room._waits_in_vain == 1
        in_flight.opened.set()
        await stage.run_to_the_end()
        assert stage.run(suspect).state is RunState.COMPLETED


async def test_who_is_alone_without_an_end_is_let_out(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline, world = two_calls(), World()
    suspect = await suspect_of(database_url, pipeline)
    in_flight, alone = world.holds("Oslo"), world.holds("poison")
    async with staged(database_url, [pipeline], world) as stage:
        other = await beside(stage, pipeline, in_flight)
        await claimed(stage)
        in_flight.opened.set()
        await alone.reached.wait()
        await stage.process.worker.let_out_the_slow()
        assert room_of(stage).is_shut
        monkeypatch.setattr(quiet_room, "ALONE_SECONDS", -1)
        await stage.process.worker.let_out_the_slow()
        assert not journal_row(stage, suspect).solo
        await gone(stage, other)
        assert stage.run(other).state is RunState.COMPLETED
        alone.opened.set()
        await stage.run_to_the_end()
        assert stage.run(suspect).state is RunState.COMPLETED


async def test_a_draining_process_hands_over_those_who_pause(database_url: str) -> None:
    pipeline, world = two_calls(), World()
    suspect = await suspect_of(database_url, pipeline)
    in_flight, alone = world.holds("Oslo"), world.holds("poison")
    async with staged(database_url, [pipeline], world) as stage:
        other = await beside(stage, pipeline, in_flight)
        await claimed(stage)
        in_flight.opened.set()
        await alone.reached.wait()
        stage.process.begin_to_drain()
        alone.opened.set()
        await stage.process.worker.idle()
    assert world.heard == ["Oslo", "poison"]
    async with staged(database_url, [], slots=0) as stage:
        assert [journal_row(stage, each).state for each in (other, suspect)] == [RunState.READY] * 2
        assert [journal_row(stage, each).crashes for each in (other, suspect)] == [0, 0]


async def test_a_suspect_that_is_broken_off_is_not_blamed_for_what_others_do_then(database_url: str) -> None:
    pipeline, world = two_calls(), World()
    suspect = await suspect_of(database_url, pipeline)
    alone = world.holds("poison")
    async with staged(database_url, [pipeline], world) as stage:
        await claimed(stage)
        await alone.reached.wait()
        stage.process.worker.interrupt_all(Interruption.LEASE_UNSURE)
        await stage.process.worker.idle()
        row = journal_row(stage, suspect)
        assert (row.owner, row.solo) == (None, False)


async def test_there_is_one_suspect_at_a_time(database_url: str) -> None:
    pipeline, world = two_calls(), World()
    suspects = [await suspect_of(database_url, pipeline, to) for to in ("one", "two", "three")]
    alone = world.holds("one")
    async with staged(database_url, [pipeline], world, slots=1) as stage:
        await claimed(stage)
        await alone.reached.wait()
        await claimed(stage)
        assert list(stage.process.worker.hands) == suspects[:1]
        alone.opened.set()
        await stage.run_to_the_end()
        assert {stage.run(each).state for each in suspects} == {RunState.COMPLETED}


async def test_a_process_that_only_starts_runs_takes_no_suspect(database_url: str) -> None:
    pipeline = two_calls()
    suspect = await suspect_of(database_url, pipeline)
    async with staged(database_url, [pipeline], slots=0) as stage:
        await claimed(stage)
        assert journal_row(stage, suspect).owner is None


async def test_a_suspect_that_is_seen_while_a_claim_is_under_way_is_taken_next(database_url: str) -> None:
    pipeline = two_calls()
    suspect = await suspect_of(database_url, pipeline)
    async with staged(database_url, [pipeline]) as stage:
        stage.clock.advance(A_LITTLE)
        stage.process.worker.look()
        await asyncio.sleep(0)  # it has begun
        stage.process.worker.look_for_suspects()
        await stage.process.worker.settled()
        assert stage.run(suspect).state is RunState.COMPLETED
