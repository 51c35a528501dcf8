"""Steps that name whom they call: runs for which there is no room wait in the journal, and others go on."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import update
from tenacity import wait_none

from pipelines import Destination, Pipeline, Retry, RunState, StepContext, Transaction, cancel
from pipelines.events import Event, RunPutAside
from pipelines.journal.tables import runs
from pipelines.testing import Rehearsal
from pipelines.worker import rooms
from tests.builders.world import Trip, World, journal_row, note, noted, staged, told

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
PATIENCE_SECONDS = 20.0


def calling(what: str, to: Destination, *, last: Exception | None = None) -> Pipeline[Trip]:
    """One call, which can be undone by another; then it may fail."""
    pipeline = Pipeline(what, Trip)

    async def uncall(world: World, step: StepContext) -> None:
        await world.call(f"un{what}", step)

    @pipeline.step(to=to, retry=Retry(on=(OSError,), attempts=99, wait=wait_none()), undo=uncall)
    async def call(world: World, step: StepContext) -> None:
        await world.call(what, step)

    @pipeline.step()
    def finish(tx: Transaction) -> None:
        if last is not None:
            raise last

    return pipeline


async def a_minute_later(stage: Rehearsal) -> None:
    stage.clock.advance(timedelta(minutes=1))
    stage.process.worker.look()
    await stage.process.worker.settled()


async def test_a_retry_without_a_token_waits_in_the_journal_and_spends_no_attempt(database_url: str) -> None:
    pipeline, world, events = (
        calling("pay", Destination("bank", concurrency=2, retries_per_second=0.1)),
        World(),
        list[Event](),
    )
    world.fails("pay", *[OSError("down")] * 12)
    async with staged(database_url, [pipeline], world, events=events) as stage:
        run_ids = [await stage.start(pipeline, Trip()) for _ in range(6)]
        await stage.run_to_the_end()
        ended = [stage.run(run_id) for run_id in run_ids]
    assert {run.state for run in ended} == {RunState.COMPLETED}
    assert len(world.calls) == 18 == sum(len(run.attempts) - 1 for run in ended)
    assert [event for event in events if isinstance(event, RunPutAside)]
    for run in ended:
        assert [attempt.number for attempt in run.attempts[:-1]] == list(range(1, len(run.attempts)))
    assert len({call.key for call in world.calls}) == 6


@SQLITE
async def test_while_it_waits_it_is_in_nobodys_hands_and_keeps_its_count_of_crashes(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rooms, "SHORTEST_ASIDE_SECONDS", 59.0)
    bank = Destination("bank", concurrency=1, retries_per_second=0.001)
    pipeline, world = calling("pay", bank), World()
    world.fails("pay", *[OSError("down")] * 99)
    async with staged(database_url, [pipeline], world) as stage:
        run_id = await stage.start(pipeline, Trip())
        await stage.process.worker.settled()
        await a_minute_later(stage)
        assert world.heard == ["pay", "pay"]  # one token there was
        await stage.write(lambda tx: tx.execute(update(runs).values(crashes=1)) and None)
        await a_minute_later(stage)
        row = journal_row(stage, run_id)
    assert world.heard == ["pay", "pay"]
    assert (row.state, row.owner, row.attempt, row.errors, row.crashes) == (RunState.WAITING, None, 2, 2, 1)


@SQLITE
async def test_a_destination_that_hangs_takes_no_slots_from_others(database_url: str) -> None:
    dead, alive = calling("dead", Destination("dead", concurrency=2)), calling("alive", Destination("alive"))
    world = World()
    hanging, reached = world.holds("dead"), world.holds("alive")
    async with staged(database_url, [dead, alive], world, slots=6) as stage:
        for _ in range(20):
            await stage.start(dead, Trip())
        await hanging.reached.wait()
        await stage.start(alive, Trip())
        await asyncio.wait_for(reached.reached.wait(), PATIENCE_SECONDS)
        assert world.heard.count("dead") == 2
        reached.opened.set()
        hanging.opened.set()
        await stage.run_to_the_end()
    assert world.heard.count("dead") == 20


async def test_a_run_that_is_cancelled_while_it_waits_for_room_goes_back(database_url: str) -> None:
    pipeline, world, aside = calling("pay", Destination("bank", concurrency=1)), World(), asyncio.Event()
    gate = world.holds("pay")
    async with staged(database_url, [pipeline], world) as stage:
        await stage.start(pipeline, Trip())
        await gate.reached.wait()
        waiting = await stage.start(pipeline, Trip())
        await stage.write(cancel, waiting, reason="changed my mind")
        stage.process.events.subscribe(lambda event: aside.set() if isinstance(event, RunPutAside) else None)
        await asyncio.wait_for(aside.wait(), PATIENCE_SECONDS)  # it is the undo that finds no room now
        assert stage.run(waiting).state is RunState.UNDOING
        gate.opened.set()
        await stage.run_to_the_end()
        run = stage.run(waiting)
    assert (run.state, run.reason, told(run)) == (RunState.CANCELLED, "changed my mind", ["undo call: success"])
    assert world.heard == ["pay", "unpay"]


@SQLITE
async def test_an_undo_calls_the_same_destination(database_url: str) -> None:
    pipeline, world, events = (
        calling("pay", Destination("bank", concurrency=1, retries_per_second=0.1), last=OSError()),
        World(),
        list[Event](),
    )
    world.fails("unpay", *[OSError("down")] * 3)
    async with staged(database_url, [pipeline], world, events=events) as stage:
        run_id = await stage.start(pipeline, Trip())
        await stage.run_to_the_end()
        run = stage.run(run_id)
    assert told(run)[2:] == ["undo call: retry"] * 3 + ["undo call: success"]
    assert {(event.step, event.destination) for event in events if isinstance(event, RunPutAside)} == {("call", "bank")}


@SQLITE
async def test_an_undo_that_is_ours_alone_needs_no_room(database_url: str) -> None:
    pipeline, world, events = Pipeline("trip", Trip), World(), list[Event]()
    troubles = [OSError("busy")] * 3

    def forget(tx: Transaction) -> None:
        if troubles:
            raise troubles.pop()
        note(tx, "forgotten")

    @pipeline.step(to=Destination("bank", concurrency=1), undo=forget, timeout=60)
    async def pay(world: World, step: StepContext) -> None:
        await world.call("pay", step)
        raise ValueError("no")

    async with staged(database_url, [pipeline], world, events=events) as stage:
        await stage.start(pipeline, Trip())
        await stage.run_to_the_end()
    assert noted(database_url) == ["forgotten"]
    assert not [event for event in events if isinstance(event, RunPutAside)]
