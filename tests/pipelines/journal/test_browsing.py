"""What can be seen of runs without touching them."""

from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from sqlalchemy import Engine
from sqlalchemy.sql import Executable

from pipelines import Pipeline, ReadSession, RunState, StepContext, find_run, find_runs, standings
from pipelines.journal import browsing, open_for_reading
from tests.builders.world import Trip, World, staged
from tests.harness.clocks import ROUNDING
from tests.harness.plans import fill, plan_of


def one_call() -> Pipeline[Trip]:
    pipeline = Pipeline("trip", Trip)

    @pipeline.step()
    async def go(trip: Trip, world: World, step: StepContext) -> None:
        await world.call(trip.to, step)

    return pipeline


async def test_a_run_is_found_with_its_attempts(database_url: str) -> None:
    pipeline = one_call()
    async with staged(database_url, [pipeline]) as stage:
        run_id = await stage.start(pipeline, Trip())
        await stage.run_to_the_end()
        with ReadSession(stage.process.readers) as session:
            run = find_run(session, run_id)
            unknown = find_run(session, uuid4())
    assert unknown is None
    assert run is not None
    assert (run.pipeline, run.version, run.state) == ("trip", pipeline.version, RunState.COMPLETED)
    assert [(attempt.step, attempt.number, attempt.outcome) for attempt in run.attempts] == [("go", 1, "success")]
    assert run.finished_at is not None
    assert run.created_at <= run.attempts[0].started_at <= run.attempts[0].finished_at <= run.finished_at


async def test_it_is_said_where_several_runs_stand(database_url: str) -> None:
    pipeline = one_call()
    async with staged(database_url, [pipeline]) as stage:
        done = await stage.start(pipeline, Trip())
        await stage.run_to_the_end()
        with ReadSession(stage.process.readers) as session:
            found = standings(session, [done, uuid4()])
            none = standings(session, [])
    assert {run_id: (run.state, run.step) for run_id, run in found.items()} == {done: (RunState.COMPLETED, "go")}
    assert none == {}


async def test_open_and_dead_runs_are_counted_and_finished_ones_are_not(database_url: str) -> None:
    pipeline, world = one_call(), World()
    world.fails("Rome", OSError("down"))
    async with staged(database_url, [pipeline], world) as stage:
        for to in ("Oslo", "Rome"):
            await stage.start(pipeline, Trip(to=to))
        await stage.run_to_the_end()
        stage.process._slots.close()
        before = datetime.now(UTC)
        await stage.start(pipeline, Trip())
        after = datetime.now(UTC)
        await stage.start(pipeline, Trip())
        with ReadSession(stage.process.readers) as session:
            depths, oldest = browsing.depths(session), browsing.oldest_ready(session)
    assert depths == {("trip", RunState.READY): 2, ("trip", RunState.FAILED): 1}
    assert before - ROUNDING <= oldest["trip"] <= after + ROUNDING


@pytest.fixture
def filled(database_url: str) -> Iterator[Engine]:
    """As a reader sees it: it may scan a table if it wants to."""
    fill(database_url).dispose()
    engine = open_for_reading(database_url)
    yield engine
    engine.dispose()


def test_what_is_asked_again_and_again_reads_no_history(filled: Engine) -> None:
    asked: list[tuple[Executable, str]] = [
        (browsing._OLDEST_READY, "ix_runs_claimable"),
        (browsing._NEXT_DUE, "ix_runs_claimable"),
        *zip(browsing._DEPTHS, ("ix_runs_owner", "ix_runs_claimable", "ix_runs_dead_letters"), strict=True),
    ]
    assert [index for statement, index in asked if index not in plan_of(filled, statement, {"skew": 0.0})] == []


async def test_many_runs_are_found_at_once_each_with_its_own_attempts(database_url: str) -> None:
    pipeline = one_call()
    async with staged(database_url, [pipeline]) as stage:
        run_ids = [await stage.start(pipeline, Trip()) for _ in range(3)]
        await stage.run_to_the_end()
        found = stage.read(lambda session: find_runs(session, [*run_ids[:2], uuid4()]))
        alone = [stage.run(run_id) for run_id in run_ids[:2]]
    assert [found[run_id] for run_id in run_ids[:2]] == alone
    assert len(found) == 2
