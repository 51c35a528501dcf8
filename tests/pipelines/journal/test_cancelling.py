"""A run is cancelled wherever it stands: it goes no further, and what it did is undone."""

import asyncio
import threading
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from tenacity import wait_fixed

from pipelines import (
    Ending,
    Limits,
    Pipeline,
    Reject,
    Retry,
    RunState,
    StateConflict,
    StepContext,
    Transaction,
    UnknownRun,
    cancel,
)
from pipelines.events import Event, WriteRefused
from tests.builders.world import Trip, World, note, noted, staged, told

ONE_BY_ONE = Limits(batch=1)


def booked_and_paid(*, pay_can_be_undone: bool = True) -> Pipeline[Trip]:
    pipeline = Pipeline("trip", Trip)

    def unbook(tx: Transaction) -> None:
        note(tx, "unbooked")

    async def refund(world: World, step: StepContext) -> None:
        await world.call("refund", step)

    @pipeline.step(undo=unbook)
    def book(tx: Transaction) -> None:
        note(tx, "booked")

    @pipeline.step(undo=refund if pay_can_be_undone else None, retry=Retry(on=(OSError,), wait=wait_fixed(3600)))
    async def pay(world: World, step: StepContext) -> None:
        await world.call("pay", step)

    @pipeline.at_end
    def close(ending: Ending, tx: Transaction) -> None:
        note(tx, f"{ending.state}: {ending.reason}")

    return pipeline


async def test_a_run_that_nobody_has_begun_does_nothing_and_undoes_nothing(database_url: str) -> None:
    pipeline = booked_and_paid()
    async with staged(database_url, [pipeline], slots=0) as stage:
        run_id = await stage.start(pipeline, Trip())
        await stage.write(cancel, run_id, reason="not needed")
        assert stage.run(run_id).state is RunState.UNDOING
    async with staged(database_url, [pipeline]) as stage:
        await stage.run_to_the_end()
        assert stage.run(run_id).state is RunState.CANCELLED
        assert told(stage.run(run_id)) == []
    assert noted(database_url) == ["cancelled: not needed"]


@pytest.mark.parametrize(
    ("pay_can_be_undone", "heard"), [(True, ["pay", "refund"]), (False, ["pay"])], ids=["undone", "nothing to undo"]
)
async def test_a_run_that_waits_is_undone_and_its_step_is_not_tried_again(
    database_url: str, heard: list[str], *, pay_can_be_undone: bool
) -> None:
    pipeline, world = booked_and_paid(pay_can_be_undone=pay_can_be_undone), World()
    world.fails("pay", OSError("down"))
    async with staged(database_url, [pipeline], world) as stage:
        run_id = await stage.start(pipeline, Trip())
        await stage.process.worker.settled()
        await stage.write(cancel, run_id, reason="not needed")
        await stage.run_to_the_end()
        assert stage.run(run_id).state is RunState.CANCELLED
    assert world.heard == heard
    assert noted(database_url) == ["booked", "unbooked", "cancelled: not needed"]


async def test_the_attempts_of_a_step_are_not_counted_against_its_undo(database_url: str) -> None:
    pipeline, world = booked_and_paid(), World()
    world.fails("pay", *[OSError("down")] * 4)
    world.fails("refund", *[OSError("down")] * 7)
    async with staged(database_url, [pipeline], world) as stage:
        run_id = await stage.start(pipeline, Trip())
        await stage.process.worker.settled()
        for _ in range(3):
            stage.clock.advance(timedelta(hours=1))
            stage.process.worker.look()
            await stage.process.worker.settled()
        await stage.write(cancel, run_id, reason="not needed")
        await stage.run_to_the_end()
        assert stage.run(run_id).state is RunState.CANCELLED


async def test_a_call_that_is_under_way_is_broken_off_and_undone(database_url: str) -> None:
    pipeline, world, events = booked_and_paid(), World(), list[Event]()
    gate = world.holds("pay")
    async with staged(database_url, [pipeline], world, events=events) as stage:
        run_id = await stage.start(pipeline, Trip())
        await gate.reached.wait()
        await stage.write(cancel, run_id, reason="not needed")
        await stage.run_to_the_end()
        run = stage.run(run_id)
    assert (run.state, run.reason) == (RunState.CANCELLED, "not needed")
    assert world.broken_off == ["pay"]
    assert told(run) == ["do book: success", "do pay: cancelled", "undo pay: success", "undo book: success"]
    assert not [event for event in events if isinstance(event, WriteRefused)]  # nobody has taken the run from us


async def test_a_computation_ends_before_it_is_undone(database_url: str) -> None:
    pipeline, is_running, may_end = Pipeline("trip", Trip), asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def forget(trip: Trip) -> None:
        pass

    @pipeline.step(undo=forget)
    def count(trip: Trip) -> None:
        loop.call_soon_threadsafe(is_running.set)
        may_end.wait()

    async with staged(database_url, [pipeline]) as stage:
        run_id = await stage.start(pipeline, Trip())
        await is_running.wait()
        await stage.write(cancel, run_id, reason="not needed")
        may_end.set()
        await stage.run_to_the_end()
        assert told(stage.run(run_id)) == ["do count: success", "undo count: success"]
        assert stage.run(run_id).state is RunState.CANCELLED


async def test_a_record_that_cannot_be_closed_makes_even_a_cancelled_run_a_dead_letter(database_url: str) -> None:
    pipeline, world = Pipeline("trip", Trip), World()
    gate = world.holds("pay")

    @pipeline.step()
    async def pay(world: World, step: StepContext) -> None:
        await world.call("pay", step)

    @pipeline.at_end
    def close(tx: Transaction) -> None:
        raise LookupError("no such record")

    async with staged(database_url, [pipeline], world) as stage:
        run_id = await stage.start(pipeline, Trip())
        await gate.reached.wait()
        await stage.write(cancel, run_id, reason="not needed")
        await stage.run_to_the_end()
        run = stage.run(run_id)
    assert (run.state, told(run)) == (RunState.FAILED, ["do pay: cancelled"])
    assert run.reason == "not needed, but its end failed: LookupError: no such record"


@pytest.mark.parametrize("is_first", [True, False], ids=["before the step", "after the step"])
async def test_a_transaction_step_and_a_cancellation_come_one_after_the_other(
    database_url: str, *, is_first: bool
) -> None:
    pipeline, world, may_go_on = booked_and_paid(), World(), threading.Event()
    async with staged(database_url, [pipeline], world, limits=ONE_BY_ONE) as stage:
        committer, is_held = stage.process._committer, asyncio.Event()

        def hold(_: Transaction) -> None:
            committer.loop.call_soon_threadsafe(is_held.set)
            may_go_on.wait()

        run_id = await stage.start(pipeline, Trip())
        held = committer._handed_in(hold, (), progress=True)  # before the run's task has had its turn
        if not is_first:
            await is_held.wait()
            assert len(committer._queue) == 1  # the step's transaction
        cancelled = committer._handed_in(cancel_on_request, (run_id,), progress=True)
        may_go_on.set()
        await asyncio.gather(held, cancelled)
        await stage.run_to_the_end()
        attempts = told(stage.run(run_id))
        assert stage.run(run_id).state is RunState.CANCELLED
    if is_first:
        assert attempts == ["do book: cancelled"]
        assert noted(database_url) == ["cancelled: on request"]
    else:
        assert (attempts[0], attempts[-1]) == ("do book: success", "undo book: success")
        assert noted(database_url) == ["booked", "unbooked", "cancelled: on request"]


def cancel_on_request(tx: Transaction, run_id: UUID) -> None:
    cancel(tx, run_id, reason="on request")


async def test_what_has_ended_cannot_be_cancelled(database_url: str) -> None:
    pipeline = booked_and_paid()
    async with staged(database_url, [pipeline]) as stage:
        run_id = await stage.start(pipeline, Trip())
        await stage.run_to_the_end()
        with pytest.raises(StateConflict):
            await stage.write(cancel, run_id, reason="too late")
        assert stage.run(run_id).state is RunState.COMPLETED


async def test_what_is_being_undone_cannot_be_cancelled(database_url: str) -> None:
    pipeline = booked_and_paid()
    async with staged(database_url, [pipeline], slots=0) as stage:
        run_id = await stage.start(pipeline, Trip())
        await stage.write(cancel, run_id, reason="first")
        with pytest.raises(StateConflict):
            await stage.write(cancel, run_id, reason="second")
        assert stage.run(run_id).reason == "first"


async def test_what_does_not_exist_cannot_be_cancelled(database_url: str) -> None:
    async with staged(database_url, []) as stage:
        with pytest.raises(UnknownRun):
            await stage.write(cancel, uuid4(), reason="who?")


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_cancellation_in_another_process_reaches_the_owner(database_url: str) -> None:
    pipeline, world = booked_and_paid(), World()
    gate = world.holds("pay")
    async with staged(database_url, [pipeline], world) as owner, staged(database_url, [pipeline]) as other:
        run_id = await owner.start(pipeline, Trip())
        await gate.reached.wait()
        await other.write(cancel, run_id, reason="not needed")
        await owner.process._sweep._look_around()
        await owner.run_to_the_end()
        assert owner.run(run_id).state is RunState.CANCELLED
    assert world.heard == ["pay", "refund"]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("error", [None, OSError("down"), Reject("no"), ValueError("bug")], ids=str)
async def test_a_cancellation_decides_the_ending_however_the_step_then_ends(
    database_url: str, error: Exception | None
) -> None:
    pipeline, world = booked_and_paid(), World()
    gate = world.holds("pay")
    if error is not None:
        world.fails("pay", error)
    async with staged(database_url, [pipeline], world) as owner, staged(database_url, [pipeline]) as other:
        run_id = await owner.start(pipeline, Trip())
        await gate.reached.wait()
        await other.write(cancel, run_id, reason="not needed")
        gate.opened.set()
        await owner.process.worker.settled()
        run = owner.run(run_id)
    assert (run.state, run.reason) == (RunState.CANCELLED, "not needed")
    assert told(run)[2:] == ["undo pay: success", "undo book: success"]
