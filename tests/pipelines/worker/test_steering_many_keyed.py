"""Under a key an action on many runs goes on where it had come to, as if nothing had cut it short."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest

from pipelines import Pipeline, ReadSession, RunFilter, RunState, Steered, latest_interventions
from pipelines.journal import filtering
from pipelines.testing import Rehearsal
from tests.builders.journey import DOWN, journey
from tests.builders.world import Trip, World, journal_row, staged


class Killed(Exception):
    """Stands for the end of a process."""


@pytest.fixture(autouse=True)
def one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filtering, "SLICE", 1)


async def failed(stage: Rehearsal, world: World, pipeline: Pipeline[Trip], count: int) -> list[Any]:
    world.fails("tell", *DOWN * count)
    run_ids = [await stage.start(pipeline, Trip()) for _ in range(count)]
    await stage.run_to_the_end()
    return run_ids


@contextmanager
def dying_after(stage: Rehearsal, monkeypatch: pytest.MonkeyPatch, slices: int) -> Iterator[None]:
    """The COMMIT of that many slices has happened, and nobody is left to hear of the last."""
    many, left = stage.process.steering.many, slices + 1
    write = many._write

    async def write_some(*args: Any) -> Any:
        nonlocal left
        done = await write(*args)
        left -= 1
        if not left:
            raise Killed
        return done

    with monkeypatch.context() as patch:
        patch.setattr(many, "_write", write_some)
        yield


async def test_what_was_retried_is_not_retried_again_though_it_has_failed_again(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline, world, key = journey(), World(), uuid4()
    async with staged(database_url, [pipeline], world) as stage:
        run_ids = await failed(stage, world, pipeline, 3)
        world.fails("tell", *DOWN * 2)
        with dying_after(stage, monkeypatch, 2), pytest.raises(Killed):
            await stage.process.steering.many.retry_all(RunFilter(), actor="ops", key=key)
        await stage.run_to_the_end()
        done = await stage.process.steering.many.retry_all(RunFilter(), actor="ops", key=key)
        await stage.run_to_the_end()
        assert done == Steered(3, 0)
        states = [stage.run(run_id).state for run_id in run_ids]
        assert states == [RunState.FAILED, RunState.FAILED, RunState.COMPLETED]
        with ReadSession(stage.process.readers) as session:
            [row] = latest_interventions(session, 10)
        assert (row.id, row.details["done"], row.details["left"]) == (key, 3, 0)


async def test_the_pace_is_that_of_the_first_call(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline, world, key = journey(), World(), uuid4()
    paced: dict[str, Any] = {"actor": "ops", "pace_per_second": 0.001, "key": key}
    async with staged(database_url, [pipeline], world) as stage:
        run_ids = await failed(stage, world, pipeline, 3)
        began = stage.clock.now()
        with dying_after(stage, monkeypatch, 1), pytest.raises(Killed):
            await stage.process.steering.many.retry_all(RunFilter(), **paced)
        await stage.process.steering.many.retry_all(RunFilter(), **paced)
        due = [(journal_row(stage, run_id).due_at - began).total_seconds() for run_id in run_ids]
    assert [round(each, -2) for each in due] == [0, 1000, 2000]


async def test_a_limit_counts_what_was_done_before(database_url: str) -> None:
    pipeline, world, key = journey(), World(), uuid4()
    async with staged(database_url, [pipeline], world) as stage:
        await failed(stage, world, pipeline, 3)
        for _ in range(2):
            done = await stage.process.steering.many.retry_all(RunFilter(), actor="ops", key=key, limit=2)
            assert done == Steered(2, 0)


async def test_each_slice_is_heard_of(database_url: str) -> None:
    pipeline, world = journey(), World()
    heard: list[Steered] = []
    async with staged(database_url, [pipeline], world) as stage:
        await failed(stage, world, pipeline, 2)
        await stage.process.steering.many.retry_all(RunFilter(), actor="ops", heard=heard.append)
    assert [each.done for each in heard] == [1, 2, 2]


async def test_a_pipeline_that_is_excepted_is_left_in_peace(database_url: str) -> None:
    pipeline, world = journey(), World()
    async with staged(database_url, [pipeline], world) as stage:
        await failed(stage, world, pipeline, 2)
        done = await stage.process.steering.many.retry_all(RunFilter(except_pipeline="trip"), actor="ops")
        assert done == Steered(0, 0)
