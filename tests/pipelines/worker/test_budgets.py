"""Errors, throttles and crashes are counted apart, for a step and for its undo, whoever carries the run on."""

from datetime import timedelta

import pytest
from tenacity import wait_fixed

from pipelines import Pipeline, Retry, RunState, StepContext, Throttled, Transaction
from pipelines.journal import reaping
from pipelines.testing import VirtualClock
from tests.builders.world import Trip, World, journal_row, played, staged, told

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
THRICE = Retry(on=(OSError,), attempts=3, wait=wait_fixed(60), patience=timedelta(hours=2))
LEASE = timedelta(seconds=16)


def pause(**time: float) -> Throttled:
    return Throttled(retry_after=timedelta(**time))


def paid_trip(last: Exception | None = None, seconds: float | None = None) -> Pipeline[Trip]:
    """Pay, and be refunded if what follows fails: both have the same budget."""
    pipeline = Pipeline("trip", Trip)

    async def refund(world: World, step: StepContext) -> None:
        await world.call("refund", step)

    @pipeline.step(retry=THRICE, undo=refund, undo_retry=THRICE, timeout=seconds)
    async def pay(world: World, step: StepContext) -> None:
        await world.call("pay", step)

    @pipeline.step()
    def book(tx: Transaction) -> None:
        if last is not None:
            raise last

    return pipeline


@SQLITE
@pytest.mark.parametrize(
    ("trouble", "state", "outcomes"),
    [
        ([OSError()] * 2, RunState.COMPLETED, ["retry"] * 2 + ["success"]),
        ([OSError()] * 3, RunState.FAILED, ["retry"] * 2 + ["failed"]),
        ([pause(minutes=1)] * 9, RunState.COMPLETED, ["throttled"] * 9 + ["success"]),
        (
            [OSError(), *[pause(minutes=1)] * 3, OSError(), pause(minutes=1)],
            RunState.COMPLETED,
            ["retry", "throttled", "throttled", "throttled", "retry", "throttled", "success"],
        ),
        ([pause(minutes=1), OSError(), pause(minutes=1), OSError(), OSError()], RunState.FAILED, None),
        ([pause(hours=1)] * 9, RunState.FAILED, ["throttled"] * 2 + ["failed"]),  # patience is two hours
    ],
    ids=["errors", "too many errors", "throttles", "both", "too many errors among throttles", "out of patience"],
)
async def test_an_error_spends_an_attempt_and_a_throttle_spends_patience(
    database_url: str, trouble: list[Exception], state: RunState, outcomes: list[str] | None
) -> None:
    world = World()
    world.fails("pay", *trouble)
    run = await played(database_url, paid_trip(), world)
    assert run.state is state
    tried = [attempt.outcome for attempt in run.attempts if (attempt.step, attempt.direction) == ("pay", "do")]
    assert outcomes is None or tried == outcomes


@SQLITE
@pytest.mark.parametrize(
    ("trouble", "ending"),
    [
        ([OSError("down")] * 2, "OSError: full"),
        ([pause(minutes=1)] * 9, "OSError: full"),
        ([OSError("down")] * 3, "OSError: full; undoing pay was given up: OSError: down"),
        (
            [pause(hours=1)] * 9,
            "OSError: full; undoing pay was given up: Throttled: asked to come back in 3600 s",
        ),
    ],
    ids=["errors", "throttles", "too many errors", "out of patience"],
)
async def test_an_undo_has_the_same_budgets_of_its_own(
    database_url: str, trouble: list[Exception], ending: str
) -> None:
    world = World()
    world.fails("pay", OSError(), OSError(), pause(minutes=50), pause(minutes=50))  # almost all that it had
    world.fails("refund", *trouble)
    run = await played(database_url, paid_trip(last=OSError("full")), world)
    assert (run.state, run.reason) == (RunState.FAILED, ending)


@SQLITE
async def test_an_undo_that_takes_too_long_is_cancelled_and_tried_again(database_url: str) -> None:
    world = World()
    world.holds("refund")
    run = await played(database_url, paid_trip(last=OSError("full"), seconds=0.05), world)
    assert world.broken_off == ["refund"] * 3
    assert told(run)[-3:] == ["undo pay: retry", "undo pay: retry", "undo pay: failed"]


async def test_a_pause_that_is_long_over_is_made_up_for_at_once(database_url: str) -> None:
    pipeline, world, clock = paid_trip(), World(), VirtualClock()
    world.fails("pay", pause(minutes=1))
    async with staged(database_url, [pipeline], world, clock=clock) as stage:
        run_id = await stage.start(pipeline, Trip())
        await stage.process.worker.settled()
    clock.advance(timedelta(days=3))  # everybody was down, and longer than its patience
    async with staged(database_url, [pipeline], world, clock=clock) as stage:
        stage.process.worker.look()
        await stage.process.worker.settled()
        assert told(stage.run(run_id)) == ["do pay: throttled", "do pay: success", "do book: success"]


@POSTGRESQL
async def test_a_crash_spends_neither_attempts_nor_patience_and_an_attempt_forgets_it(database_url: str) -> None:
    pipeline, world = paid_trip(), World()
    world.fails("pay", OSError(), pause(minutes=1))
    clock = VirtualClock()
    async with staged(database_url, [pipeline], world, clock=clock) as stage:
        run_id = await stage.start(pipeline, Trip())
        for _ in range(2):
            stage.process.worker.look()
            await stage.process.worker.settled()
            clock.advance(timedelta(minutes=2))
        before = journal_row(stage, run_id)
        gate = world.holds("pay")
        stage.process.worker.look()
        await gate.reached.wait()
        clock.advance(LEASE)
        async with staged(database_url, [pipeline], World(), clock=clock) as other:
            await other.write(reaping.reap, count_crash=True, jitter=0.5)
            crashed = journal_row(other, run_id)
            await other.run_to_the_end()
            assert told(other.run(run_id)) == [
                "do pay: retry",
                "do pay: throttled",
                "do pay: success",
                "do book: success",
            ]
    assert (before.attempt, before.errors, before.crashes) == (2, 1, 0)
    assert (crashed.attempt, crashed.errors, crashed.crashes) == (2, 1, 1)
