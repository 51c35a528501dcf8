"""A run that kills its process while it is undone: quarantined, but still on its way back and never forward again."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import update

from pipelines import Ending, Pipeline, Reject, RunState, StateConflict, StepContext, Transaction
from pipelines.journal.tables import runs
from pipelines.testing import Rehearsal
from tests.builders.deaths_elsewhere import died_with
from tests.builders.journey import ONCE, journey
from tests.builders.world import Trip, World, noted, staged

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@asynccontextmanager
async def undone(database_url: str, pipeline: Pipeline[Trip], world: World) -> AsyncIterator[tuple[Rehearsal, UUID]]:
    """A refused trip whose refund has failed once, and is going to be tried again."""
    world.fails("tell", Reject("full"))
    world.fails("refund", OSError("down"))
    async with staged(database_url, [pipeline], world, dice=lambda *_: timedelta(hours=1)) as stage:
        run_id = await stage.start(pipeline, Trip())
        await stage.run_until_waiting()
        yield stage, run_id


async def killed(stage: Rehearsal, run_id: UUID, times: int = 3) -> None:
    for _ in range(times):
        await died_with(stage, alone=run_id)


async def told(stage: Rehearsal) -> None:
    await stage.advance(timedelta(seconds=1))


async def test_its_undoing_goes_on_where_it_killed_and_it_ends_as_it_would_have(database_url: str) -> None:
    pipeline, world = journey(), World()
    async with undone(database_url, pipeline, world) as (stage, run_id):
        await killed(stage, run_id)
        await told(stage)
        quarantined = stage.run(run_id)
        await stage.write(stage.process.steering.retry_undo, run_id, actor="ops")
        await stage.run_to_the_end()
        run = stage.run(run_id)
    assert (quarantined.state, quarantined.ending) == (RunState.QUARANTINED, RunState.REJECTED)
    assert quarantined.finished_at is not None
    assert str(quarantined.reason).startswith("full; undoing pay killed 3 processes in which it was alone; input ")
    assert (run.state, run.ending, run.reason) == (RunState.REJECTED, RunState.REJECTED, "full")
    assert noted(database_url) == ["checked", "booked", "quarantined", "unbooked", "rejected"]
    assert len(world.keys("refund")) == 1


async def test_it_cannot_go_forward_before_it_is_undone(database_url: str) -> None:
    pipeline, world = journey(), World()
    async with undone(database_url, pipeline, world) as (stage, run_id):
        await killed(stage, run_id)
        with pytest.raises(StateConflict, match="retry_undo"):
            await stage.write(stage.process.steering.retry, run_id, actor="ops")
        await stage.write(stage.process.steering.retry_undo, run_id, actor="ops")
        await stage.run_to_the_end()
        assert stage.run(run_id).state is RunState.REJECTED
    assert noted(database_url) == [
        "checked",
        "booked",
        "unbooked",
        "rejected",
    ]  # nobody had told that it is quarantined


@SQLITE
async def test_it_goes_back_though_its_record_kills_too(database_url: str) -> None:
    pipeline, world = journey(), World()
    async with undone(database_url, pipeline, world) as (stage, run_id):
        await killed(stage, run_id, times=6)
        left = stage.run(run_id)
        await stage.write(stage.process.steering.retry_undo, run_id, actor="ops")
        await stage.run_to_the_end()
        run = stage.run(run_id)
    assert str(left.reason).endswith("telling its record was given up, for that kills processes too")
    assert (run.state, run.reason) == (RunState.REJECTED, "full")


@SQLITE
async def test_it_goes_back_though_its_record_could_not_be_told(database_url: str) -> None:
    pipeline, world = Pipeline("trip", Trip), World()

    async def refund(world: World, step: StepContext) -> None:
        await world.call("refund", step)

    @pipeline.step(undo=refund, undo_retry=ONCE)
    async def tell(world: World, step: StepContext) -> None:
        await world.call("tell", step)

    @pipeline.at_end
    def close(ending: Ending) -> None:
        if ending.state is RunState.QUARANTINED:
            raise LookupError

    async with undone(database_url, pipeline, world) as (stage, run_id):
        await killed(stage, run_id)
        await told(stage)
        left = stage.run(run_id)
        await stage.write(stage.process.steering.retry_undo, run_id, actor="ops")
        await stage.run_to_the_end()
        run = stage.run(run_id)
    assert left.state is RunState.QUARANTINED
    assert str(left.reason).endswith("but its end failed: LookupError: ")
    assert (run.state, run.reason) == (RunState.REJECTED, "full")


def decided(tx: Transaction) -> None:
    """It was cancelled while a process was at it."""
    tx.execute(update(runs).values(ending=RunState.CANCELLED, reason="too dear"))


async def test_a_cancelled_step_that_kills_is_still_to_be_undone(database_url: str) -> None:
    pipeline, world = journey(), World()
    gate = world.holds("pay")
    async with staged(database_url, [pipeline], world) as stage:
        run_id = await stage.start(pipeline, Trip())
        await gate.reached.wait()
    async with staged(database_url, [pipeline], world) as stage:
        await killed(stage, run_id, times=2)
        await stage.write(decided)
        await killed(stage, run_id, times=1)
        quarantined = stage.run(run_id)
        await stage.write(stage.process.steering.retry_undo, run_id, actor="ops")
        await stage.run_to_the_end()
        run = stage.run(run_id)
    assert (quarantined.state, quarantined.ending) == (RunState.QUARANTINED, RunState.CANCELLED)
    assert str(quarantined.reason).startswith("too dear; step pay killed 3 processes")
    assert (run.state, run.reason) == (RunState.CANCELLED, "too dear")
    assert world.heard == ["pay", "refund"]
