"""A run that somebody names is taken at once, or left alone for a reason; either way nothing is lost or done twice."""

import asyncio
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import update

from pipelines import Pipeline, RunState, StepContext, Transaction, pause
from pipelines.events import BatchCommitted, Event, WakeUpHeard
from pipelines.journal.tables import runs
from pipelines.testing import Rehearsal
from tests.builders.world import Trip, World, journal_row, staged

POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


def one_call(name: str = "trip") -> Pipeline[Trip]:
    pipeline = Pipeline(name, Trip)

    @pipeline.step()
    async def go(trip: Trip, world: World, step: StepContext) -> None:
        await world.call(trip.to, step)

    return pipeline


async def started_elsewhere(database_url: str, pipeline: Pipeline[Trip], count: int = 1, **options: Any) -> list[UUID]:
    """Runs of a process that carries nothing on itself."""
    async with staged(database_url, [pipeline], slots=0) as stage:
        return [await stage.start(pipeline, Trip(to=str(number)), **options) for number in range(count)]


async def take_all(stage: Rehearsal, named: list[UUID]) -> list[bool]:
    return list(await asyncio.gather(*(stage.process.take(run_id) for run_id in named)))


def heard(events: list[Event]) -> list[str]:
    return [event.outcome for event in events if isinstance(event, WakeUpHeard)]


async def test_a_run_that_is_named_is_carried_on(database_url: str) -> None:
    pipeline, world, events = one_call(), World(), list[Event]()
    [run_id] = await started_elsewhere(database_url, pipeline)
    async with staged(database_url, [pipeline], world, events=events) as stage:
        assert await stage.process.take(run_id)
        await stage.process.worker.settled()
        assert stage.run(run_id).state is RunState.COMPLETED
    assert world.heard == ["0"]
    assert heard(events) == ["taken"]


async def test_what_is_named_together_is_claimed_together(database_url: str) -> None:
    pipeline, world, events = one_call(), World(), list[Event]()
    gates = [world.holds(str(number)) for number in range(5)]
    runs = await started_elsewhere(database_url, pipeline, 5)
    async with staged(database_url, [pipeline], world, events=events) as stage:
        events.clear()
        assert await take_all(stage, runs) == [True] * 5
        assert [event.size for event in events if isinstance(event, BatchCommitted)] == [1]
        for gate in gates:
            gate.opened.set()
        await stage.process.worker.settled()
    assert sorted(world.heard) == ["0", "1", "2", "3", "4"]


async def test_only_as_many_are_taken_as_there_are_slots_and_the_rest_follows(database_url: str) -> None:
    pipeline, world, events = one_call(), World(), list[Event]()
    gate = world.holds("0")
    runs = await started_elsewhere(database_url, pipeline, 3)
    async with staged(database_url, [pipeline], world, events=events, slots=1) as stage:
        assert await take_all(stage, runs) == [True, False, False]
        await gate.reached.wait()
        events.clear()
        assert await take_all(stage, runs) == [False] * 3
        assert heard(events) == ["left", "full", "full"]
        assert not [event for event in events if isinstance(event, BatchCommitted)]  # nobody was asked
        gate.opened.set()
        await stage.process.worker.settled()
        assert {stage.run(run_id).state for run_id in runs} == {RunState.COMPLETED}


async def test_what_found_no_slot_beside_others_follows_too(database_url: str) -> None:
    pipeline, world = one_call(), World()
    runs = await started_elsewhere(database_url, pipeline, 3)
    async with staged(database_url, [pipeline], world, slots=1) as stage:
        assert await take_all(stage, runs) == [True, False, False]
        await stage.process.worker.settled()
        assert {stage.run(run_id).state for run_id in runs} == {RunState.COMPLETED}


async def test_a_run_that_is_named_twice_is_taken_once(database_url: str) -> None:
    pipeline, world = one_call(), World()
    gate = world.holds("0")
    [run_id] = await started_elsewhere(database_url, pipeline)
    async with staged(database_url, [pipeline], world, slots=2) as stage:
        assert any(await take_all(stage, [run_id, run_id]))
        await gate.reached.wait()
        assert journal_row(stage, run_id).fence == 1
        assert await stage.process.take(run_id) is False
        gate.opened.set()
        await stage.process.worker.settled()
        assert await stage.process.take(run_id) is False  # it has ended
        assert stage.process._slots.take_up_to(9) == 2
    assert world.heard == ["0"]


@POSTGRESQL
async def test_two_processes_that_hear_of_the_same_runs_share_them(database_url: str) -> None:
    pipeline, world = one_call(), World()
    runs = await started_elsewhere(database_url, pipeline, 50)
    async with staged(database_url, [pipeline], world) as one, staged(database_url, [pipeline], world) as other:
        taken = await asyncio.gather(take_all(one, runs), take_all(other, runs))
        assert sum(map(sum, taken)) == len(runs)
        await asyncio.gather(*(stage.process.worker.settled() for stage in (one, other)))
        assert {journal_row(one, run_id).fence for run_id in runs} == {1}
    assert sorted(world.heard, key=int) == [str(number) for number in range(50)]


async def test_what_is_unknown_here_waits_or_is_not_its_turn_is_left_alone(database_url: str) -> None:
    known, other, world = one_call(), one_call("other"), World()
    async with staged(database_url, [], slots=0) as stage:
        later = stage.clock.now() + timedelta(hours=1)
        named = [
            uuid4(),
            await stage.start(other, Trip()),
            await stage.start(known, Trip(), due_at=later),
        ]
        first, second = [await stage.start(known, Trip(to=to), serial="line") for to in ("first", "second")]
    async with staged(database_url, [known], world) as stage:
        assert await take_all(stage, [*named, second]) == [False] * 4
        assert await stage.process.take(first)
        await stage.process.worker.settled()
    assert world.heard == ["first", "second"]


async def test_nothing_of_a_paused_pipeline_is_taken(database_url: str) -> None:
    pipeline, world = one_call(), World()
    [run_id] = await started_elsewhere(database_url, pipeline)
    async with staged(database_url, [pipeline], world) as stage:
        await stage.write(partial(pause, actor="ada", reason="it rains"), pipeline.name)
        assert await stage.process.take(run_id) is False
    assert world.heard == []


async def test_a_process_that_drains_takes_nothing(database_url: str) -> None:
    pipeline, world = one_call(), World()
    runs = await started_elsewhere(database_url, pipeline, 2)
    async with staged(database_url, [pipeline], world) as stage:
        on_its_way = asyncio.create_task(stage.process.take(runs[0]))
        await asyncio.sleep(0)
        stage.process.begin_to_drain()
        assert await stage.process.take(runs[1]) is False
        await on_its_way
        await stage.process.drain()
    async with staged(database_url, [], slots=0) as stage:
        assert [journal_row(stage, run_id).owner for run_id in runs] == [None, None]
        assert [journal_row(stage, run_id).crashes for run_id in runs] == [0, 0]


async def test_whoever_is_told_no_because_the_process_ends_hears_it(database_url: str) -> None:
    pipeline = one_call()
    runs = await started_elsewhere(database_url, pipeline, 100)  # more than one claim
    async with staged(database_url, [pipeline]) as stage:
        asking = asyncio.gather(*(stage.process.take(run_id) for run_id in runs))
        await asyncio.sleep(0)
        await stage.process.stop()
        assert len(await asking) == 100


async def test_a_run_with_which_processes_have_died_is_not_let_near_others(database_url: str) -> None:
    pipeline, world = one_call(), World()
    runs = await started_elsewhere(database_url, pipeline, 2)
    async with staged(database_url, [pipeline], world) as stage:
        await stage.write(crash, {runs[0]: 1, runs[1]: 2})
        assert await take_all(stage, runs) == [True, False]
        await stage.process.worker.settled()
    assert world.heard == ["0"]


def crash(tx: Transaction, times: dict[UUID, int]) -> None:
    for run_id, crashes in times.items():
        tx.execute(update(runs).where(runs.c.id == run_id).values(crashes=crashes))
