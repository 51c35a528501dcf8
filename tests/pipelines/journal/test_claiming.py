"""Who owns a run: taken at its start or claimed later, by one process only, oldest first."""

import asyncio
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.sql import Executable

from pipelines import Limits, Pipeline, RunState, StepContext, Transaction, start
from pipelines.journal import claiming, open_for_writing
from pipelines.journal.tables import runs
from tests.builders.world import Trip, World, journal_row, staged, told
from tests.harness.plans import OWNER, fill, plan_of

POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


def one_call(name: str = "trip") -> Pipeline[Trip]:
    pipeline = Pipeline(name, Trip)

    @pipeline.step()
    async def go(trip: Trip, world: World, step: StepContext) -> None:
        await world.call(trip.to, step)

    return pipeline


def start_and_fail(tx: Transaction, pipeline: Pipeline[Trip]) -> None:
    start(tx, pipeline, Trip())
    raise LookupError


def start_all(tx: Transaction, pipeline: Pipeline[Trip], count: int) -> list[UUID]:
    return [start(tx, pipeline, Trip(to=str(number))) for number in range(count)]


async def test_a_run_is_owned_from_its_start_when_a_slot_is_free(database_url: str) -> None:
    pipeline, world = one_call(), World()
    gate = world.holds("Oslo")
    async with staged(database_url, [pipeline], world) as stage:
        run_id = await stage.start(pipeline, Trip())
        await gate.reached.wait()
        row = journal_row(stage, run_id)
    assert (row.state, row.owner, row.fence) == (RunState.RUNNING, stage.process.process_id, 1)


async def test_a_run_that_finds_no_slot_is_taken_as_soon_as_one_is_free(database_url: str) -> None:
    pipeline, world = one_call(), World()
    gate = world.holds("first")
    async with staged(database_url, [pipeline], world, slots=1) as stage:
        await stage.start(pipeline, Trip(to="first"))
        later = await stage.start(pipeline, Trip(to="second"))
        await gate.reached.wait()
        assert journal_row(stage, later).state is RunState.READY
        gate.opened.set()
        await stage.process.worker.settled()
        assert stage.run(later).state is RunState.COMPLETED


async def test_the_oldest_is_taken_first(database_url: str) -> None:
    pipeline, world = one_call(), World()
    async with staged(database_url, [pipeline], slots=0) as stage:
        for number in range(5):
            await stage.start(pipeline, Trip(to=str(number)))
    async with staged(database_url, [pipeline], world, slots=1) as stage:
        await stage.run_to_the_end()
    assert world.heard == ["0", "1", "2", "3", "4"]


async def test_runs_that_nobody_here_knows_are_left_alone_and_stop_no_other(database_url: str) -> None:
    known, unknown, newer, world = one_call(), one_call("other"), one_call(), World()

    @newer.step()
    def one_step_more(trip: Trip) -> None:
        pass

    async with staged(database_url, [], slots=0) as stage:
        left = [await stage.start(each, Trip()) for each in (unknown, newer, unknown, newer)]
        await stage.start(known, Trip(to="Rome"))
    async with staged(database_url, [known], world, slots=1) as stage:
        stage.process.worker.look()
        await stage.process.worker.settled()
        assert {stage.run(each).state for each in left} == {RunState.READY}
    assert world.heard == ["Rome"]


async def test_the_slot_of_a_run_that_was_rolled_back_is_free_again(database_url: str) -> None:
    pipeline = one_call()
    async with staged(database_url, [pipeline], slots=1) as stage:
        with pytest.raises(LookupError):
            await stage.write(start_and_fail, pipeline)
        assert stage.process._slots.take()


@POSTGRESQL
async def test_two_processes_never_take_the_same_run(database_url: str) -> None:
    pipeline, world = one_call(), World()
    async with staged(database_url, [pipeline], slots=0) as stage:
        started = await stage.write(start_all, pipeline, 150)
    async with staged(database_url, [pipeline], world) as one, staged(database_url, [pipeline], world) as other:
        for stage in (one, other):
            stage.process.worker.look()
        await asyncio.gather(*(stage.process.worker.settled() for stage in (one, other)))
        assert {tuple(told(one.run(run_id))) for run_id in started} == {("do go: success",)}
        assert {journal_row(one, run_id).fence for run_id in started} == {1}
    assert sorted(world.heard, key=int) == [str(number) for number in range(150)]


@POSTGRESQL
async def test_a_run_that_another_process_is_just_taking_is_passed_over(database_url: str) -> None:
    pipeline, world = one_call(), World()
    async with staged(database_url, [pipeline], slots=0) as stage:
        first, second = await stage.write(start_all, pipeline, 2)
    engine = open_for_writing(database_url)
    async with staged(database_url, [pipeline], world, slots=1, limits=Limits(batch=1)) as stage:
        with engine.begin() as connection:
            connection.execute(select(runs.c.id).where(runs.c.id == first).with_for_update())
            stage.process.worker.look()
            await stage.process.worker.settled()
            assert (stage.run(first).state, stage.run(second).state) == (RunState.READY, RunState.COMPLETED)
    engine.dispose()


async def test_runs_that_are_given_back_have_burned_no_attempt_and_counted_no_crash(database_url: str) -> None:
    pipeline, world = one_call(), World()
    gate = world.holds("Oslo")
    async with staged(database_url, [pipeline], world) as stage:
        run_id = await stage.start(pipeline, Trip())
        await gate.reached.wait()
    async with staged(database_url, [pipeline], slots=0) as stage:
        row = journal_row(stage, run_id)
        assert (row.state, row.owner, row.fence, row.crashes, row.attempt) == (RunState.READY, None, 2, 0, 0)
        assert told(stage.run(run_id)) == []


@pytest.fixture
def filled(database_url: str) -> Iterator[Engine]:
    engine = fill(database_url)
    yield engine
    engine.dispose()


KNOWN = {"known": [("trip", "1")], "skew": 0.0, "of_priority": 1, "fewer_crashes": 2}


@pytest.mark.parametrize(
    ("statement", "bound"),
    [
        (claiming._CLAIM, KNOWN | {"most": 10, "me": uuid4()}),
        (claiming._IS_ANY_DUE, KNOWN),
    ],
    ids=["claim", "is any due"],
)
def test_due_runs_are_found_by_their_index(filled: Engine, statement: Executable, bound: dict[str, Any]) -> None:
    assert "ix_runs_claimable" in plan_of(filled, statement, bound)


def test_runs_that_are_named_are_found_by_their_key(filled: Engine) -> None:
    named = {"known": [("trip", "1")], "skew": 0.0, "fewer_crashes": 2, "named": [uuid4() for _ in range(64)]}
    plan = plan_of(filled, claiming._CLAIM_THESE, named | {"most": 64, "me": uuid4()})
    assert "pk_runs" in plan or "sqlite_autoindex_runs_1" in plan
    assert "ix_runs_claimable" not in plan


@pytest.mark.parametrize(
    ("statement", "bound"),
    [(claiming._GIVE_BACK, {"me": OWNER, "skew": 0.0}), (claiming._CANCELLED_UNDER_US, {"me": OWNER})],
    ids=["give back", "cancelled under us"],
)
def test_the_runs_of_a_process_are_found_by_their_index(
    filled: Engine, statement: Executable, bound: dict[str, Any]
) -> None:
    assert "ix_runs_owner" in plan_of(filled, statement, bound)
