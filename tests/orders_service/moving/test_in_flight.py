"""A run that a process has handed over at its end goes on where the journal has moved to, under the same key."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text

from pipelines import NotMoved, Pipeline, Process, StepContext, start
from tests.builders.house import A_PROCESS, execute, is_open, move
from tests.builders.world import Trip, World
from tests.harness import schemas

A_RUN = """INSERT INTO runs (id, pipeline, version, state, step, owner, fence, due_at, generation, attempt, errors,
    crashes, solo, solo_deaths, payload, created_at, step_since) VALUES
    ('00000000000000000000000000000002', 'errand', '1', 'running', 'go', '00000000000000000000000000000001', 7,
    '2026-11-28 12:00:00', 0, 0, 0, 0, 0, 0, '{}',
    '2026-11-28 12:00:00', '2026-11-28 12:00:00')"""

errand = Pipeline("errand", Trip)


@errand.step()
async def go(trip: Trip, world: World, step: StepContext) -> None:
    await world.call(f"go to {trip.to}", step)


async def test_a_run_goes_on_and_nobody_counts_a_crash(source: str, target: str) -> None:
    world = World()
    gate = world.holds("go to Oslo")
    first = Process(source, [errand], provide={World: world})
    await first.start()
    run_id = await first.write(start, errand, Trip())
    await gate.reached.wait()
    await first.drain(grace=timedelta(0))
    await first.stop()

    outcome = await asyncio.to_thread(move, source, target)
    assert outcome.moved is not None
    assert outcome.moved.freed == 0
    assert standing(target) == ("ready", None, 0)

    gate.opened.set()
    second = Process(target, [errand], provide={World: world})
    await second.start()
    async with second.watch(run_id) as watch, asyncio.timeout(30):
        async for _ in watch:
            pass
    await second.stop()
    assert standing(target)[0] == "completed"
    assert world.heard == ["go to Oslo"] * 2
    assert len(world.keys("go to Oslo")) == 1


def test_the_runs_of_a_process_that_was_killed_are_free(source: str, target: str) -> None:
    execute(source, A_PROCESS.replace("'dead'", "'live'"), A_RUN)
    outcome = move(source, target)
    assert outcome.moved is not None
    assert outcome.moved.freed == 1
    assert standing(target) == ("ready", None, 1)
    with schemas.connected(target) as connection:
        assert connection.scalar(text("SELECT fence FROM runs")) == 8
        assert connection.scalar(text("SELECT state FROM processes")) == "dead"


def test_a_run_that_nobody_could_take_is_not_left_behind_unseen(source: str, target: str) -> None:
    execute(source, A_RUN)  # its owner is gone without a trace
    with pytest.raises(NotMoved, match=r"1 runs could not be carried on in the target, such as 0{8}-"):
        move(source, target)
    assert is_open(source)


def standing(url: str) -> tuple[object, ...]:
    with schemas.connected(url) as connection:
        return tuple(connection.execute(text("SELECT state, owner, crashes FROM runs")).one())
