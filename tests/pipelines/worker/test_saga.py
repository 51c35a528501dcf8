"""Whatever turns a run back, the same way leads back: last step first, each undo once, and then its ending."""

from datetime import timedelta

import pytest
from tenacity import wait_fixed

from pipelines import Ending, Pipeline, Reject, Retry, RunState, StepContext, Transaction, cancel
from tests.builders.world import Trip, World, note, noted, played, staged, told

HOURLY = Retry(on=(OSError,), attempts=3, wait=wait_fixed(3600))


def whole_trip() -> Pipeline[Trip]:
    """Book (transaction), pay and tell (actions), print (compute): all can be undone, and it is `tell` that fails."""
    pipeline = Pipeline("trip", Trip, deadline=timedelta(minutes=30))

    def unbook(tx: Transaction) -> None:
        note(tx, "unbooked")

    async def refund(world: World, step: StepContext) -> None:
        await world.call("refund", step)

    def unprint(trip: Trip) -> None:
        """A computation may have made a file."""

    async def untell(world: World, step: StepContext) -> None:
        await world.call("untell", step)

    @pipeline.step(undo=unbook)
    def book(tx: Transaction) -> None:
        note(tx, "booked")

    @pipeline.step(undo=refund)
    async def pay(world: World, step: StepContext) -> None:
        await world.call("pay", step)

    @pipeline.step(name="print", undo=unprint)
    def print_ticket(trip: Trip) -> None:
        """Blocking work."""

    @pipeline.step(retry=HOURLY, undo=untell)
    async def tell(world: World, step: StepContext) -> None:
        await world.call("tell", step)

    @pipeline.at_end
    def close(ending: Ending, tx: Transaction) -> None:
        note(tx, f"{ending.state}: {ending.reason}")

    return pipeline


@pytest.mark.parametrize(
    ("trouble", "tried", "ending"),
    [
        (ValueError("bad"), "failed", Ending(RunState.FAILED, "ValueError: bad")),
        (Reject("full"), "rejected", Ending(RunState.REJECTED, "full")),
        (OSError("down"), "retry", Ending(RunState.CANCELLED, "not needed")),
        (OSError("down"), "retry", Ending(RunState.FAILED, "its deadline passed at step tell")),
    ],
    ids=["a failure", "a refusal", "a cancellation", "the deadline"],
)
async def test_all_ways_back_are_the_same_way(
    database_url: str, trouble: Exception, tried: str, ending: Ending
) -> None:
    pipeline, world = whole_trip(), World()
    world.fails("tell", trouble)
    async with staged(database_url, [pipeline], world) as stage:
        run_id = await stage.start(pipeline, Trip())
        await stage.process.worker.settled()
        if ending.state is RunState.CANCELLED:
            await stage.write(cancel, run_id, reason="not needed")
        await stage.run_to_the_end()
        run = stage.run(run_id)
    assert Ending(run.state, run.reason) == ending
    assert told(run) == [
        *(f"do {step}: success" for step in ("book", "pay", "print")),
        f"do tell: {tried}",
        *(f"undo {step}: success" for step in ("tell", "print", "pay", "book")),
    ]
    assert noted(database_url) == ["booked", "unbooked", f"{ending.state}: {ending.reason}"]
    assert world.heard == ["pay", "tell", "untell", "refund"]


async def test_a_run_says_that_it_is_being_undone_and_why(database_url: str) -> None:
    pipeline, world = whole_trip(), World()
    world.fails("tell", Reject("full"))
    gate = world.holds("refund")
    async with staged(database_url, [pipeline], world) as stage:
        run_id = await stage.start(pipeline, Trip())
        await gate.reached.wait()
        run = stage.run(run_id)
        assert (run.state, run.step, run.ending, run.reason) == (RunState.UNDOING, "pay", RunState.REJECTED, "full")
        gate.opened.set()
        await stage.run_to_the_end()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_an_undo_that_refuses_is_given_up_at_once_and_seen(database_url: str) -> None:
    world = World()
    world.fails("tell", ValueError("bad"))
    world.fails("refund", Reject("too late"))
    run = await played(database_url, whole_trip(), world)
    assert (run.state, run.reason) == (RunState.FAILED, "ValueError: bad; undoing pay was given up: too late")
    assert told(run)[-2:] == ["undo pay: rejected", "undo book: success"]
