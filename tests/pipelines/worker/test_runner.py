"""A run goes from step to step, waits in the journal, and carries on in whatever process takes it up."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from pydantic import BaseModel, field_validator
from tenacity import retry_if_exception, wait_fixed

from pipelines import Pipeline, Retry, RunState, StepContext, Throttled, Transaction
from pipelines.events import Event, RunFinished, RunStarted, StepAttempted
from pipelines.testing import VirtualClock
from tests.builders.world import Trip, World, note, noted, played, staged, told
from tests.harness.clocks import ROUNDING

HOURLY = Retry(on=(OSError,), attempts=3, wait=wait_fixed(3600))


class Seat(BaseModel):
    number: int


@dataclass
class JumpyClock(VirtualClock):
    """A wall clock that somebody has set; durations stay as they are, and so does the database's clock."""

    jump: timedelta

    def __post_init__(self) -> None:
        super().__init__()

    def now(self) -> datetime:
        return super().now() + self.jump


def paid_trip(retry: Retry = HOURLY) -> Pipeline[Trip]:
    """Book a seat, then pay for it; the payment asks for the seat by its type."""
    pipeline = Pipeline("trip", Trip)

    @pipeline.step()
    def book(trip: Trip, tx: Transaction) -> Seat:
        note(tx, "booked")
        return Seat(number=len(trip.to))

    @pipeline.step()
    def look_for_discount(trip: Trip) -> int | None:
        return None

    @pipeline.step(retry=retry)
    async def pay(seat: Seat, discount: int | None, world: World, step: StepContext) -> None:
        await world.call(f"pay for {seat.number}, discount {discount}", step)

    return pipeline


async def test_a_retry_waits_in_the_journal_and_in_nobodys_hands(database_url: str) -> None:
    pipeline, world = paid_trip(), World()
    world.fails("pay for 4, discount None", OSError("down"))
    async with staged(database_url, [pipeline], world) as stage:
        run_id = await stage.start(pipeline, Trip())
        await stage.process.worker.settled()
        assert stage.run(run_id).state is RunState.WAITING
        assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("run ")]


async def test_another_process_retries_with_the_results_of_earlier_steps_and_under_the_same_key(
    database_url: str,
) -> None:
    pipeline, world, clock = paid_trip(), World(), VirtualClock()
    world.fails("pay for 4, discount None", OSError("down"))
    async with staged(database_url, [pipeline], world, clock=clock) as stage:
        run_id = await stage.start(pipeline, Trip())
        await stage.process.worker.settled()
    async with staged(database_url, [pipeline], world, clock=clock) as stage:
        await stage.run_to_the_end()
        assert stage.run(run_id).state is RunState.COMPLETED
    assert world.heard == ["pay for 4, discount None"] * 2
    assert len({call.key for call in world.calls}) == 1
    assert noted(database_url) == ["booked"]


async def test_attempts_are_spent_over_all_processes(database_url: str) -> None:
    pipeline, world, clock = paid_trip(), World(), VirtualClock()
    world.fails("pay for 4, discount None", *[OSError("down")] * 3)
    for _ in range(3):
        async with staged(database_url, [pipeline], world, clock=clock) as stage:
            if not world.calls:
                run_id = await stage.start(pipeline, Trip())
            stage.process.worker.look()
            await stage.process.worker.settled()
            run = stage.run(run_id)
            clock.advance(timedelta(hours=1, seconds=1))
    assert run.state is RunState.FAILED
    assert told(run)[2:] == ["do pay: retry", "do pay: retry", "do pay: failed"]


async def test_a_throttle_costs_no_attempt(database_url: str) -> None:
    pipeline, world = paid_trip(Retry(on=(OSError,), attempts=2)), World()
    world.fails("pay for 4, discount None", *[Throttled(retry_after=timedelta(minutes=1))] * 3, OSError("down"))
    run = await played(database_url, pipeline, world)
    assert run.state is RunState.COMPLETED
    assert [attempt.outcome for attempt in run.attempts[2:]] == ["throttled"] * 3 + ["retry", "success"]


@pytest.mark.parametrize(
    ("asked_for", "waited"),
    [
        (timedelta(seconds=-5), timedelta(seconds=1)),
        (timedelta(seconds=7), timedelta(seconds=7)),
        (timedelta(days=11574), timedelta(hours=1)),
    ],
)
async def test_a_throttle_is_heeded_within_limits(database_url: str, asked_for: timedelta, waited: timedelta) -> None:
    pipeline, world = paid_trip(), World()
    world.fails("pay for 4, discount None", Throttled(retry_after=asked_for))
    async with staged(database_url, [pipeline], world) as stage:
        run_id = await stage.start(pipeline, Trip())
        await stage.process.worker.settled()
        run, after = stage.run(run_id), stage.clock.now()
    assert run.attempts[-1].finished_at + waited - ROUNDING <= run.due_at <= after + waited + ROUNDING


@pytest.mark.parametrize("jump", [timedelta(hours=1), timedelta(hours=-1), timedelta(days=-3652)])
async def test_a_wall_clock_that_jumps_moves_no_retry(database_url: str, jump: timedelta) -> None:
    pipeline, world, clock, events = paid_trip(), World(), JumpyClock(timedelta(0)), list[Event]()
    world.fails("pay for 4, discount None", OSError("down"))
    async with staged(database_url, [pipeline], world, clock=clock, events=events) as stage:
        run_id = await stage.start(pipeline, Trip())
        clock.jump = jump
        await stage.process.worker.settled()
        clock.advance(timedelta(minutes=59))
        stage.process.worker.look()
        await stage.process.worker.settled()
        assert stage.run(run_id).state is RunState.WAITING
        clock.advance(timedelta(minutes=2))
        stage.process.worker.look()
        await stage.process.worker.settled()
        assert stage.run(run_id).state is RunState.COMPLETED
    assert min(event.seconds for event in events if isinstance(event, StepAttempted | RunFinished)) >= 0


async def test_what_happened_is_told_in_order(database_url: str) -> None:
    pipeline, world, events = paid_trip(), World(), list[Event]()
    world.fails("pay for 4, discount None", OSError("down"))
    run = await played(database_url, pipeline, world, events=events)
    heard = [event for event in events if isinstance(event, RunStarted | StepAttempted | RunFinished)]
    assert [type(event).__name__ for event in heard] == ["RunStarted", *["StepAttempted"] * 4, "RunFinished"]
    assert [(event.step, event.outcome) for event in heard if isinstance(event, StepAttempted)] == [
        ("book", "success"),
        ("look_for_discount", "success"),
        ("pay", "retry"),
        ("pay", "success"),
    ]
    assert {event.run_id for event in heard} == {run.id}


async def test_a_strategy_that_cannot_judge_gives_up(database_url: str) -> None:
    def is_busy(error: BaseException) -> bool:
        return bool(error.status == 503)  # type: ignore[attr-defined] # the mistake that is tested

    pipeline, world = paid_trip(Retry(retry=retry_if_exception(is_busy))), World()
    world.fails("pay for 4, discount None", OSError("down"))
    run = await played(database_url, pipeline, world)
    assert run.reason == "AttributeError: 'OSError' object has no attribute 'status'"


async def test_a_result_that_cannot_be_stored_is_a_failure_of_its_step(database_url: str) -> None:
    pipeline = Pipeline("trip", Trip)

    @pipeline.step()
    async def pay(trip: Trip) -> dict[str, object]:
        return {"receipt": object()}

    run = await played(database_url, pipeline)
    assert run.state is RunState.FAILED
    assert told(run) == ["do pay: failed"]


async def test_a_run_whose_input_cannot_be_read_is_a_dead_letter_and_stops_no_other(database_url: str) -> None:
    closed = {"Oslo"}

    class Checked(Trip):
        @field_validator("to")
        @classmethod
        def check(cls, to: str) -> str:
            assert to not in closed, "closed"
            return to

    pipeline = Pipeline("trip", Checked)

    @pipeline.step()
    def book(trip: Checked, tx: Transaction) -> None:
        note(tx, f"booked {trip.to}")

    async with staged(database_url, [pipeline], slots=0) as stage:
        unread = await stage.start(pipeline, Checked.model_construct(to="Oslo"))
        read = await stage.start(pipeline, Checked(to="Rome"))
    async with staged(database_url, [pipeline]) as stage:
        await stage.run_to_the_end()
        assert stage.run(unread).state is RunState.FAILED
        assert str(stage.run(unread).reason).startswith("cannot be read: ValidationError")
        assert stage.run(read).state is RunState.COMPLETED
    assert noted(database_url) == ["booked Rome"]
