"""Runs of another version: left alone where the code does not know it, carried on where an upcast says how."""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel

from pipelines import Pipeline, ReadSession, Reject, Retry, Rhythm, RunState, StepContext, Transaction, cancel
from pipelines.events import Event, RunLeft
from pipelines.former import all_versions
from pipelines.journal.explaining import why
from pipelines.testing import Rehearsal
from tests.builders.world import Trip, World, note, noted, staged, told

AGAIN = Retry(on=(OSError,))
RENAMED = {"book": "reserve", "pay": "charge"}
BEYOND_ALL_WAITS = timedelta(hours=1)


class Journey(BaseModel):
    """What became of the input."""

    goal: str


def before(*, pays: bool = True) -> Pipeline[Trip]:
    """Book, pay, tell: as it was released once."""
    pipeline = Pipeline("trip", Trip)

    def unbook(tx: Transaction) -> None:
        note(tx, "unbooked")

    @pipeline.step(undo=unbook)
    def book(tx: Transaction) -> int:
        note(tx, "booked")
        return 4

    if pays:

        @pipeline.step(retry=AGAIN)
        async def pay(world: World, step: StepContext) -> None:
            await world.call("pay", step)

    @pipeline.step(retry=AGAIN)
    async def tell(world: World, step: StepContext) -> None:
        await world.call("tell", step)

    return pipeline


def after() -> Pipeline[Journey]:
    """Reserve, insure, charge, tell: the same, renamed, with another input and result, and one step more."""
    pipeline = Pipeline("trip", Journey)

    def unreserve(tx: Transaction) -> None:
        note(tx, "unreserved")

    @pipeline.step(undo=unreserve)
    def reserve(tx: Transaction) -> str:
        note(tx, "reserved")
        return "seat 4"

    @pipeline.step()
    def insure(journey: Journey) -> None:
        assert journey.goal == "Oslo"

    @pipeline.step(retry=AGAIN)
    async def charge(seat: str, world: World, step: StepContext) -> None:
        assert seat == "seat 4"
        await world.call("pay", step)

    @pipeline.step(retry=AGAIN)
    async def tell(world: World, step: StepContext) -> None:
        await world.call("tell", step)

    return pipeline


def upcasting() -> Pipeline[Journey]:
    pipeline = after()
    results = {"book": lambda seat: f"seat {seat}"}

    @pipeline.upcast(before().version, steps=RENAMED, results=results)
    def as_a_journey(stored: Any) -> Any:
        return {"goal": stored["to"]}

    return pipeline


@asynccontextmanager
async def begun(
    database_url: str, world: World, pipeline: Pipeline[Trip] | None = None
) -> AsyncIterator[tuple[Rehearsal, UUID]]:
    """The old code has come as far as the world let it; it still looks on."""
    old = pipeline or before()
    async with staged(database_url, [old], world) as stage:
        run_id = await stage.start(old, Trip())
        await stage.process.worker.settled()
        yield stage, run_id


async def resumed(
    database_url: str, pipelines: Iterable[Pipeline[Any]], world: World, run_id: UUID, events: list[Event] | None = None
) -> Any:
    """The new code takes over, and the run has ended."""
    async with staged(database_url, list(pipelines), world, events=events) as stage:
        await stage.run_to_the_end()
        return stage.run(run_id)


async def test_an_old_run_is_carried_on_under_its_old_names(database_url: str) -> None:
    world, old = World(), before()
    world.fails("pay", OSError("down"))
    async with begun(database_url, world) as (_, run_id):
        pass
    run = await resumed(database_url, [upcasting()], world, run_id)
    assert told(run) == ["do book: success", "do pay: retry", "do pay: success", "do tell: success"]
    assert (run.state, run.version) == (RunState.COMPLETED, old.version)
    assert [attempt.version for attempt in run.attempts] == [None, None, *[upcasting().version] * 2]


async def test_a_call_is_repeated_under_the_key_that_its_old_name_gave_it(database_url: str) -> None:
    world = World()
    world.fails("pay", OSError("perhaps it came through"))
    async with begun(database_url, world) as (_, run_id):
        pass
    await resumed(database_url, [upcasting()], world, run_id)
    assert world.heard == ["pay", "pay", "tell"]
    assert len(world.keys("pay")) == 1


async def test_a_result_of_the_new_code_is_not_upcast_when_it_is_read_again(database_url: str) -> None:
    world, new = World(), upcasting()
    async with staged(database_url, [before()], world, slots=0) as stage:
        run_id = await stage.start(before(), Trip())
    world.fails("pay", OSError("down"))
    run = await resumed(database_url, [new], world, run_id)
    assert run.state is RunState.COMPLETED, run.reason
    assert noted(database_url) == ["reserved"]


async def test_what_old_code_did_is_undone_by_the_new(database_url: str) -> None:
    world = World()
    world.fails("pay", OSError("down"), Reject("no money"))
    async with begun(database_url, world) as (_, run_id):
        pass
    run = await resumed(database_url, [upcasting()], world, run_id)
    assert told(run)[-2:] == ["do pay: rejected", "undo book: success"]
    assert noted(database_url) == ["booked", "unreserved"]


async def test_a_run_before_a_step_that_is_gone_goes_on_at_the_one_that_was_named(database_url: str) -> None:
    world, new = World(), before(pays=False)
    new.upcast(before().version, gone={"pay": "tell"})
    world.fails("pay", OSError("down"))
    async with begun(database_url, world) as (_, run_id):
        pass
    run = await resumed(database_url, [new], world, run_id)
    assert told(run) == ["do book: success", "do pay: retry", "do tell: success"]
    assert run.state is RunState.COMPLETED


async def test_a_cancelled_run_before_a_step_that_is_gone_is_undone(database_url: str) -> None:
    world, new = World(), before(pays=False)
    new.upcast(before().version, gone={"pay": "tell"})
    world.fails("pay", OSError("down"))
    async with begun(database_url, world) as (stage, run_id):
        stage.process.begin_to_drain()
        await stage.write(cancel, run_id, reason="changed my mind")
    run = await resumed(database_url, [new], world, run_id)
    assert (run.state, noted(database_url)) == (RunState.CANCELLED, ["booked", "unbooked"])


@pytest.mark.parametrize("declared", [before(pays=False), after()], ids=["a step less", "another input"])
async def test_a_run_of_an_unknown_version_stays_ready_and_blocks_no_other(
    database_url: str, declared: Pipeline[Any]
) -> None:
    async with staged(database_url, [before()], slots=0) as stage:
        run_id = await stage.start(before(), Trip())
    new = declared
    async with staged(database_url, [new]) as stage:
        later = await stage.start(new, Trip() if new.input_type is Trip else Journey(goal="Oslo"))
        await stage.process.worker.settled()
        stage.process.worker.look()
        await stage.process.worker.settled()
        assert [stage.run(each).state for each in (run_id, later)] == [RunState.READY, RunState.COMPLETED]


async def test_a_run_before_a_step_that_this_code_lacks_waits_for_code_that_has_it(database_url: str) -> None:
    world, new, events = World(), before(pays=False), list[Event]()
    new.upcast(before().version)  # which forgets that there was a payment
    world.fails("pay", OSError("down"))
    async with begun(database_url, world) as (stage, run_id):
        stage.process.begin_to_drain()
        clock = stage.clock
    async with staged(database_url, [new], world, events=events, clock=clock) as stage:
        clock.advance(BEYOND_ALL_WAITS)
        stage.process.worker.look()
        await stage.process.worker.settled()
        assert [(event.step, event.run_id) for event in events if isinstance(event, RunLeft)] == [("pay", run_id)]
        left = stage.run(run_id)
        known = {(each.name, each.version): each for each in all_versions([new])}
        with ReadSession(stage.process.readers) as session:
            cause = why(session, run_id, known=known, clock=clock, lease=Rhythm().lease)
    assert cause.sentence.endswith("since the code here has no step pay")
    assert (left.state, left.step, len(left.attempts)) == (RunState.WAITING, "pay", 2)
    assert (await resumed(database_url, [before()], world, run_id)).state is RunState.COMPLETED


@pytest.mark.parametrize(
    "spoil",
    [
        lambda pipeline: pipeline.upcast(before().version, steps=RENAMED)(lambda stored: {"goal": stored["where"]}),
        lambda pipeline: pipeline.upcast(before().version, steps=RENAMED),
    ],
    ids=["an upcast that fails", "one that forgets the input"],
)
async def test_an_input_that_no_upcast_can_read_ends_as_a_dead_letter_that_says_so(
    database_url: str, spoil: Callable[[Pipeline[Any]], Any]
) -> None:
    world, new = World(), after()
    spoil(new)
    world.fails("pay", OSError("down"))
    async with begun(database_url, world) as (_, run_id):
        pass
    run = await resumed(database_url, [new], world, run_id)
    assert run.state is RunState.FAILED
    assert (run.reason or "").startswith("cannot be read: ")
