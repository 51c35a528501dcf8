"""Each kind of step runs where it belongs, and its effect is kept with its attempt or not at all."""

import threading
import time
from datetime import timedelta

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import DBAPIError

from pipelines import Pipeline, ReadSession, RunState, StepContext, Transaction
from pipelines.testing import Moment, Mortality, Point, VirtualClock
from tests.builders.deaths import Death
from tests.builders.world import Trip, World, effects, note, noted, played, staged, told


class LateClock(VirtualClock):
    """A clock by which the lease was renewed longer ago than it was."""

    late_by = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.late_by


async def test_each_kind_of_step_runs_in_its_own_place(database_url: str) -> None:
    places: dict[str, str] = {}
    pipeline = Pipeline("trip", Trip)

    @pipeline.step()
    def book(tx: Transaction) -> None:
        places["transaction"] = threading.current_thread().name

    @pipeline.step()
    async def pay(trip: Trip) -> None:
        places["action"] = threading.current_thread().name

    @pipeline.step()
    def count(trip: Trip) -> None:
        places["compute"] = threading.current_thread().name.partition("_")[0]

    await played(database_url, pipeline)
    assert places == {"transaction": "committer", "action": "MainThread", "compute": "compute"}


@pytest.mark.parametrize(
    ("moment", "effect", "attempts"),
    [(Moment.BEFORE_COMMIT, [], []), (Moment.AFTER_COMMIT, ["booked"], ["do book: success"])],
)
async def test_the_effect_of_a_transaction_step_and_its_attempt_are_one_commit(
    database_url: str, moment: Moment, effect: list[str], attempts: list[str]
) -> None:
    pipeline, death, mortality = Pipeline("trip", Trip), Death(), Mortality(Point(moment, "book"))

    @pipeline.step()
    def book(tx: Transaction) -> None:
        note(tx, "booked")

    async with staged(database_url, [pipeline], on_failure=death.notice, faults=mortality) as stage:
        with mortality.watching():
            run_id = await stage.start(pipeline, Trip())
            await death.happened.wait()
        assert noted(database_url) == effect
        assert told(stage.run(run_id)) == attempts


async def test_a_computation_reads_what_earlier_steps_wrote(database_url: str) -> None:
    pipeline, world = Pipeline("trip", Trip), World()

    @pipeline.step()
    def book(tx: Transaction) -> None:
        note(tx, "booked")

    @pipeline.step()
    def read(session: ReadSession) -> list[str]:
        return list(session.execute(effects.select().with_only_columns(effects.c.what)).scalars())

    @pipeline.step()
    async def tell(seen: list[str], world: World, step: StepContext) -> None:
        await world.call(f"seen: {seen}", step)

    await played(database_url, pipeline, world)
    assert world.heard == ["seen: ['booked']"]


async def test_a_computation_cannot_write(database_url: str) -> None:
    pipeline, errors = Pipeline("trip", Trip), list[BaseException]()

    @pipeline.step()
    def write(session: ReadSession) -> None:
        try:
            session.execute(insert(effects).values(what="smuggled"))
        except DBAPIError as error:
            errors.append(error)
            raise

    run = await played(database_url, pipeline)
    assert run.state is RunState.FAILED
    assert len(errors) == 1
    assert noted(database_url) == []


async def test_an_action_that_takes_too_long_is_cancelled(database_url: str) -> None:
    pipeline, world = Pipeline("trip", Trip), World()
    world.holds("pay")

    @pipeline.step(timeout=0.01)
    async def pay(world: World, step: StepContext) -> None:
        await world.call("pay", step)

    run = await played(database_url, pipeline, world, dice=lambda *_: timedelta(0))
    assert world.broken_off == ["pay"] * 5
    assert [(each.outcome, each.error) for each in run.attempts[-1:]] == [
        ("failed", "StepTimeout: took longer than 0.01 s")
    ]


async def test_a_timeout_of_the_step_itself_is_its_own_error(database_url: str) -> None:
    pipeline = Pipeline("trip", Trip)

    @pipeline.step(timeout=60)
    async def pay(trip: Trip) -> None:
        raise TimeoutError("the other side said so")

    run = await played(database_url, pipeline)
    assert run.reason == "TimeoutError: the other side said so"


async def test_no_effect_starts_under_a_lease_that_may_have_ended(database_url: str) -> None:
    pipeline, world, clock = Pipeline("trip", Trip), World(), LateClock()

    @pipeline.step()
    async def pay(world: World, step: StepContext) -> None:
        await world.call("pay", step)

    async with staged(database_url, [pipeline], world, clock=clock) as stage:
        clock.late_by = 12.0  # of a lease of 15 s, with a margin of 3 s
        run_id = await stage.start(pipeline, Trip())
        await stage.process.worker.settled()
        assert world.calls == []
        clock.late_by = 0.0
        await stage.process.worker.give_back_dropped()
        await stage.run_to_the_end()
        assert told(stage.run(run_id)) == ["do pay: success"]
