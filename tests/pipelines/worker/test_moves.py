"""What changes together with a move, and the way back: undos, endings, and what is left when these fail."""

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError, InvalidRequestError

from pipelines import Ending, Pipeline, Reject, RunState, StepContext, Transaction
from pipelines.worker import moves
from tests.builders.world import Trip, World, effects, note, noted, played, told


def trip_with_undos(last: Exception | None = None) -> Pipeline[Trip]:
    """Book (transaction), pay (action), post (compute), tell (action): all can be undone; the last may fail."""
    pipeline = Pipeline("trip", Trip)

    def unbook(tx: Transaction) -> None:
        note(tx, "unbooked")

    async def refund(world: World, step: StepContext) -> None:
        await world.call("refund", step)

    def unpost(trip: Trip) -> None:
        pass

    async def untell(world: World, step: StepContext) -> None:
        await world.call("untell", step)

    @pipeline.step(undo=unbook)
    def book(tx: Transaction) -> None:
        note(tx, "booked")

    @pipeline.step(undo=refund)
    async def pay(world: World, step: StepContext) -> None:
        await world.call("pay", step)

    @pipeline.step(undo=unpost)
    def post(trip: Trip) -> None:
        pass

    @pipeline.step(undo=untell)
    async def tell(world: World, step: StepContext) -> None:
        await world.call("tell", step)
        if last is not None:
            raise last

    return pipeline


def with_end(pipeline: Pipeline[Trip]) -> Pipeline[Trip]:
    @pipeline.at_end
    def close(ending: Ending, tx: Transaction) -> None:
        note(tx, f"{ending.state}: {ending.reason}")

    return pipeline


def failing_end(pipeline: Pipeline[Trip]) -> Pipeline[Trip]:
    @pipeline.at_end
    def close(tx: Transaction) -> None:
        note(tx, "closed")
        raise LookupError("no such record")

    return pipeline


async def test_a_refusal_undoes_what_was_done_in_reverse_order(database_url: str) -> None:
    run = await played(database_url, trip_with_undos(last=Reject("full")), World())
    assert (run.state, run.reason) == (RunState.REJECTED, "full")
    assert told(run) == [
        "do book: success",
        "do pay: success",
        "do post: success",
        "do tell: rejected",
        "undo tell: success",
        "undo post: success",
        "undo pay: success",
        "undo book: success",
    ]


async def test_a_transaction_step_that_failed_has_nothing_to_undo(database_url: str) -> None:
    pipeline = Pipeline("trip", Trip)

    def unbook(tx: Transaction) -> None:
        note(tx, "unbooked")

    @pipeline.step(undo=unbook)
    def book(tx: Transaction) -> None:
        note(tx, "booked")
        raise ValueError("no")

    run = await played(database_url, pipeline)
    assert told(run) == ["do book: failed"]
    assert noted(database_url) == []


async def test_keys_differ_between_steps_and_between_doing_and_undoing(database_url: str) -> None:
    world = World()
    await played(database_url, trip_with_undos(last=Reject("full")), world)
    assert world.heard == ["pay", "tell", "untell", "refund"]
    assert len({call.key for call in world.calls}) == 4


async def test_an_undo_is_tried_again_under_its_own_key(database_url: str) -> None:
    world = World()
    world.fails("refund", *[OSError("down")] * 7)
    run = await played(database_url, trip_with_undos(last=Reject("full")), world)
    assert run.state is RunState.REJECTED
    assert len(world.keys("refund")) == 1
    assert [line for line in told(run) if "undo pay" in line] == ["undo pay: retry"] * 7 + ["undo pay: success"]


async def test_an_undo_that_gives_up_makes_the_run_a_failure_and_earlier_undos_still_run(database_url: str) -> None:
    world = World()
    world.fails("refund", *[OSError("down")] * 8)
    run = await played(database_url, with_end(trip_with_undos(last=Reject("full"))), world)
    assert run.state is RunState.FAILED
    assert run.reason == "full; undoing pay was given up: OSError: down"
    assert noted(database_url) == ["booked", "unbooked", f"failed: {run.reason}"]


@pytest.mark.parametrize(
    ("last", "closing"),
    [
        (None, "completed: None"),
        (Reject("full"), "rejected: full"),
        (OSError("down"), "failed: OSError: down"),
    ],
)
async def test_the_record_is_closed_whatever_the_ending(
    database_url: str, last: Exception | None, closing: str
) -> None:
    await played(database_url, with_end(trip_with_undos(last)), World())
    assert noted(database_url)[-1] == closing


async def test_a_record_that_cannot_be_closed_makes_the_run_a_dead_letter(database_url: str) -> None:
    run = await played(database_url, failing_end(trip_with_undos()), World())
    assert run.state is RunState.FAILED
    assert run.reason == "LookupError: no such record, but its end failed: LookupError: no such record"
    assert "closed" not in noted(database_url)


async def test_a_record_that_cannot_be_closed_after_a_failure_makes_the_run_a_dead_letter(database_url: str) -> None:
    pipeline = Pipeline("trip", Trip)

    @pipeline.step()
    async def pay(trip: Trip) -> None:
        raise OSError("down")

    run = await played(database_url, failing_end(pipeline), World())
    assert (run.state, run.reason) == (
        RunState.FAILED,
        "OSError: down, but its end failed: LookupError: no such record",
    )


async def test_what_a_step_names_as_then_commits_with_its_attempt(database_url: str) -> None:
    pipeline = Pipeline("trip", Trip)

    def remember(seat: int, tx: Transaction) -> None:
        note(tx, f"seat {seat}")

    @pipeline.step(then=remember)
    async def book(trip: Trip) -> int:
        return 7

    run = await played(database_url, pipeline)
    assert told(run) == ["do book: success"]
    assert noted(database_url) == ["seat 7"]


@pytest.mark.parametrize("is_refused_by_database", [False, True])
async def test_a_then_that_fails_undoes_its_step(database_url: str, *, is_refused_by_database: bool) -> None:
    pipeline, world = Pipeline("trip", Trip), World()

    def remember(tx: Transaction) -> None:
        note(tx, "remembered")
        if is_refused_by_database:
            tx.execute(insert(effects), [{"id": 1000}, {"id": 1000}])
        raise LookupError("gone")

    async def refund(world: World, step: StepContext) -> None:
        await world.call("refund", step)

    @pipeline.step(undo=refund, then=remember)
    async def pay(world: World, step: StepContext) -> None:
        await world.call("pay", step)

    run = await played(database_url, pipeline, world)
    assert run.state is RunState.FAILED
    assert told(run) == ["do pay: failed", "undo pay: success"]
    assert (world.heard, noted(database_url)) == (["pay", "refund"], [])


def test_what_a_database_says_is_kept_by_its_kind_alone() -> None:
    error = IntegrityError("INSERT INTO guests", {"name": "Ada"}, ValueError("Key (name)=(Ada) already exists"))
    assert moves.said(error) == "IntegrityError (ValueError)"
    assert moves.said(InvalidRequestError("no such column: guests.name")) == "InvalidRequestError"
