"""A run whose time is up goes back, wherever it stands; what is undone has all the time it needs."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
from tenacity import wait_fixed

from pipelines import Pipeline, Retry, RunState, StepContext, Transaction, cancel, start
from pipelines.testing import VirtualClock
from pipelines.worker.faults import Commit, Performs
from pipelines.worker.hand import Hand
from pipelines.worker.moves import Held
from tests.builders.world import Trip, World, journal_row, note, noted, played, staged, told

HOURLY = Retry(on=(Exception,), attempts=99, wait=wait_fixed(3600))
TEN_MINUTES = timedelta(minutes=10)


def paid_trip(deadline: timedelta | None = TEN_MINUTES, timeout: float | None = None) -> Pipeline[Trip]:
    """Book (transaction), pay (action): both can be undone, and everything is tried again for a long time."""
    pipeline = Pipeline("trip", Trip, deadline=deadline)

    def unbook(tx: Transaction) -> None:
        note(tx, "unbooked")

    async def refund(world: World, step: StepContext) -> None:
        await world.call("refund", step)

    @pipeline.step(undo=unbook)
    def book(tx: Transaction) -> None:
        note(tx, "booked")

    @pipeline.step(retry=HOURLY, timeout=timeout, undo=refund, undo_retry=HOURLY)
    async def pay(world: World, step: StepContext) -> None:
        await world.call("pay", step)

    return pipeline


class TimeUpAtPay:
    """The deadline passes when `pay` is about to be called, however long it has taken to get there."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock

    def around_commit(self, commit: Commit) -> Commit:
        return commit

    def around_attempts(self, performer: Performs) -> Performs:
        self._performer = performer
        return self

    def around_gateway(self, asked_for: Any, gateway: object) -> object:  # noqa: ARG002 - as they all are
        return gateway

    async def perform(self, held: Held, hand: Hand) -> object:
        if held.run.step == "pay" and held.run.state is not RunState.UNDOING:
            self._clock.advance(TEN_MINUTES)
        return await self._performer.perform(held, hand)


async def test_a_run_that_waits_is_woken_at_its_deadline_and_undone(database_url: str) -> None:
    world = World()
    world.fails("pay", OSError("down"))
    run = await played(database_url, paid_trip(), world)
    assert (run.state, run.reason) == (RunState.FAILED, "its deadline passed at step pay")
    assert told(run) == ["do book: success", "do pay: retry", "undo pay: success", "undo book: success"]
    assert noted(database_url) == ["booked", "unbooked"]
    assert run.finished_at is not None
    assert TEN_MINUTES <= run.finished_at - run.created_at < TEN_MINUTES + timedelta(minutes=1)


async def test_what_is_undone_has_no_deadline(database_url: str) -> None:
    world = World()
    world.fails("pay", OSError("down"))
    world.fails("refund", OSError("down"), OSError("down"))
    run = await played(database_url, paid_trip(), world)
    assert run.reason == "its deadline passed at step pay"
    assert told(run)[2:] == ["undo pay: retry", "undo pay: retry", "undo pay: success", "undo book: success"]
    assert run.finished_at is not None
    assert run.finished_at - run.created_at > timedelta(hours=2)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_call_that_undoes_is_not_broken_off_at_the_deadline(database_url: str) -> None:
    pipeline, world, clock = paid_trip(), World(), VirtualClock()
    world.holds("pay")
    gate = world.holds("refund")
    async with staged(database_url, [pipeline], world, clock=clock, faults=TimeUpAtPay(clock)) as stage:
        run_id = await stage.start(pipeline, Trip())
        await gate.reached.wait()
        for _ in range(5):
            await asyncio.sleep(0)
        gate.opened.set()
        await stage.run_to_the_end()
        assert told(stage.run(run_id))[2:] == ["undo pay: success", "undo book: success"]


async def test_a_run_that_nobody_took_in_time_is_turned_when_it_is_claimed(database_url: str) -> None:
    pipeline, world, clock = paid_trip(), World(), VirtualClock()
    async with staged(database_url, [pipeline], world, clock=clock, slots=0) as stage:
        run_id = await stage.start(pipeline, Trip())
    clock.advance(TEN_MINUTES)
    async with staged(database_url, [pipeline], world, clock=clock) as stage:
        await stage.run_to_the_end()
        run = stage.run(run_id)
    assert (run.state, run.reason, told(run)) == (RunState.FAILED, "its deadline passed at step book", [])


@pytest.mark.parametrize("limit", [None, 60.0])
async def test_a_call_that_is_under_way_is_broken_off_at_the_deadline_and_not_tried_again(
    database_url: str, limit: float | None
) -> None:
    world, clock = World(), VirtualClock()
    world.holds("pay")
    run = await played(database_url, paid_trip(timeout=limit), world, clock=clock, faults=TimeUpAtPay(clock))
    assert world.broken_off == ["pay"]
    assert (run.state, run.reason) == (RunState.FAILED, "its deadline passed at step pay")
    assert told(run) == ["do book: success", "do pay: failed", "undo pay: success", "undo book: success"]


async def test_a_timeout_that_comes_first_is_tried_again(database_url: str) -> None:
    world = World()
    world.holds("pay")
    run = await played(database_url, paid_trip(timeout=0.01), world)
    assert [attempt.error for attempt in run.attempts[1:2]] == ["StepTimeout: took longer than 0.01 s"]
    assert run.reason == "its deadline passed at step pay"


async def test_what_is_started_with_a_deadline_of_its_own_has_that_one(database_url: str) -> None:
    pipeline, world = paid_trip(deadline=None), World()
    world.fails("pay", OSError("down"))
    async with staged(database_url, [pipeline], world) as stage:
        run_id = await stage.write(start, pipeline, Trip(), deadline=TEN_MINUTES)
        await stage.run_to_the_end()
        assert stage.run(run_id).reason == "its deadline passed at step pay"


async def test_a_run_that_begins_later_has_its_whole_time(database_url: str) -> None:
    pipeline = paid_trip()
    async with staged(database_url, [pipeline]) as stage:
        tomorrow = stage.clock.now() + timedelta(days=1)
        run_id = await stage.write(start, pipeline, Trip(), due_at=tomorrow)
        await stage.run_to_the_end()
        run = stage.run(run_id)
    assert (run.state, run.deadline_at) == (RunState.COMPLETED, tomorrow + TEN_MINUTES)


async def test_a_run_that_was_cancelled_before_its_deadline_ends_cancelled(database_url: str) -> None:
    pipeline, world = paid_trip(), World()
    world.fails("pay", OSError("down"))
    async with staged(database_url, [pipeline], world) as stage:
        run_id = await stage.start(pipeline, Trip())
        await stage.process.worker.settled()
        await stage.process.write(lambda tx: cancel(tx, run_id, reason="changed my mind"))
        stage.clock.advance(2 * TEN_MINUTES)
        await stage.run_to_the_end()
        run = stage.run(run_id)
    assert (run.state, run.reason) == (RunState.CANCELLED, "changed my mind")


async def test_a_record_that_cannot_be_closed_at_the_deadline_is_a_dead_letter_that_says_so(database_url: str) -> None:
    pipeline = Pipeline("trip", Trip, deadline=timedelta(microseconds=1))

    @pipeline.step()
    def book(tx: Transaction) -> None:
        note(tx, "booked")

    @pipeline.at_end
    def close(tx: Transaction) -> None:
        raise LookupError("no such record")

    run = await played(database_url, pipeline)
    assert run.state is RunState.FAILED
    assert run.reason == "its deadline passed at step book, but its end failed: LookupError: no such record"
    assert noted(database_url) == []


async def test_a_step_knows_the_deadline_of_its_run_and_an_undo_has_none(database_url: str) -> None:
    pipeline, seen = Pipeline("trip", Trip, deadline=TEN_MINUTES), list[datetime | None]()

    def unpost(step: StepContext) -> None:
        seen.append(step.deadline)

    @pipeline.step(undo=unpost)
    def post(step: StepContext) -> None:
        seen.append(step.deadline)
        raise ValueError("no")

    async with staged(database_url, [pipeline]) as stage:
        run_id = await stage.start(pipeline, Trip())
        await stage.run_to_the_end()
        assert seen == [journal_row(stage, run_id).deadline_at, None]
