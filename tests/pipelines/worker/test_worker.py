"""What a worker holds, lets go of, and takes up."""

import asyncio

import pytest
from sqlalchemy import func, select
from tenacity import wait_fixed

from pipelines import Pipeline, Retry, RunState, StepContext, Transaction
from pipelines.journal.tables import runs
from pipelines.worker import Interruption
from pipelines.worker.worker import MOST_AT_ONCE
from tests.builders.world import Trip, World, journal_row, staged


def one_call() -> Pipeline[Trip]:
    pipeline = Pipeline("trip", Trip)

    @pipeline.step(retry=Retry(on=(OSError,), wait=wait_fixed(0.01)))
    async def go(trip: Trip, world: World, step: StepContext) -> None:
        await world.call(trip.to, step)

    return pipeline


async def test_every_run_that_was_let_go_is_given_back_also_one_let_go_meanwhile(database_url: str) -> None:
    pipeline, world = one_call(), World()
    gates = [world.holds(to) for to in ("Oslo", "Rome")]
    async with staged(database_url, [pipeline], world) as stage:
        runs = [await stage.start(pipeline, Trip(to=to)) for to in ("Oslo", "Rome")]
        for gate in gates:
            await gate.reached.wait()
        worker = stage.process.worker
        worker._leaving = True  # what is given back is not to be taken again at once
        worker._slots.close()
        first, second = worker.hands.values()
        first.interrupt(Interruption.LEASE_UNSURE)
        await asyncio.wait([task for task in worker._tasks if task.get_name() == f"run {first.run_id}"])
        giving_back = asyncio.create_task(worker.give_back_dropped())
        await asyncio.sleep(0)  # it waits for its COMMIT now
        second.interrupt(Interruption.LEASE_UNSURE)
        await worker.idle()
        await giving_back
        await worker.give_back_dropped()
        assert [journal_row(stage, run_id).owner for run_id in runs] == [None, None]


async def test_a_run_that_was_put_off_here_is_taken_up_here_when_it_is_due(database_url: str) -> None:
    pipeline, world = one_call(), World()
    world.fails("Oslo", OSError("down"))
    gate = world.holds("Oslo")
    async with staged(database_url, [pipeline], world) as stage:
        run_id = await stage.start(pipeline, Trip())
        await gate.reached.wait()
        gate.reached.clear()
        gate.opened.set()
        await gate.reached.wait()  # nobody has looked but the worker itself
        await stage.process.worker.settled()
        assert stage.run(run_id).state is RunState.COMPLETED


async def test_a_step_that_shrugs_off_its_cancellation_does_not_keep_the_process(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.worker.worker.LAST_WORDS_SECONDS", 0.01)
    pipeline, reached, may_end = Pipeline("trip", Trip), asyncio.Event(), asyncio.Event()

    @pipeline.step()
    async def sit(trip: Trip) -> None:
        reached.set()
        while not may_end.is_set():
            try:
                await may_end.wait()
            except asyncio.CancelledError:
                continue

    async with staged(database_url, [pipeline]) as stage:
        run_id = await stage.start(pipeline, Trip())
        await reached.wait()
    may_end.set()
    async with staged(database_url, [], slots=0) as stage:
        assert journal_row(stage, run_id).state is RunState.READY


async def test_a_process_takes_as_much_as_it_gets_on_with_and_leaves_the_rest_to_others(database_url: str) -> None:
    pipeline, owned = Pipeline("trip", Trip), list[int]()

    @pipeline.step()
    def book(trip: Trip, tx: Transaction) -> None:
        owned.append(tx.execute(select(func.count()).where(runs.c.owner.is_not(None))).scalar_one())

    async with staged(database_url, [pipeline], slots=0) as stage:
        for _ in range(4 * MOST_AT_ONCE):
            await stage.start(pipeline, Trip())
    async with staged(database_url, [pipeline]) as stage:
        stage.process.worker.look()
        await stage.process.worker.settled()
    assert len(owned) == 4 * MOST_AT_ONCE
    assert max(owned) <= MOST_AT_ONCE
