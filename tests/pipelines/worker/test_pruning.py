"""What ended long ago is deleted with all that belongs to it, in small slices, and nothing else is."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, Engine, Table, func, insert, select, update
from sqlalchemy.sql import Executable
from tenacity import wait_fixed
from uuid_utils.compat import uuid7

from pipelines import Pipeline, Reject, Retention, Retry, RunState, StepContext
from pipelines.events import Event, RunsPruned
from pipelines.journal import open_for_writing, pruning
from pipelines.journal.tables import attempts, interventions, processes, runs
from pipelines.run import OPEN
from pipelines.testing import Rehearsal, VirtualClock
from pipelines.worker.pruning import BETWEEN_PASSES, WHILE_BUSY, Pruner
from tests.builders.desk import from_outside
from tests.builders.world import Trip, World, staged
from tests.harness.plans import OWNER, fill, plan_of

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
DAY, MONTH = timedelta(days=1), timedelta(days=30)
ALL = Retention(failed=timedelta(days=90))


def trip() -> Pipeline[Trip]:
    pipeline = Pipeline("trip", Trip)

    @pipeline.step(retry=Retry(on=(TimeoutError,), wait=wait_fixed(100 * DAY.total_seconds())))
    async def go(trip: Trip, world: World, step: StepContext) -> None:
        await world.call(trip.to, step)

    return pipeline


def pruner(stage: Rehearsal, retention: Retention = ALL) -> Pruner:
    process = stage.process
    return Pruner(retention, process._committer, process.readers, process.clock, process.events)


async def passed(each: Pruner) -> int:
    """How many slices a pass had."""
    slices = 1
    while await each.look() != BETWEEN_PASSES:
        slices += 1
    return slices


def count(stage: Rehearsal, table: Table) -> int:
    with stage.process.readers.connect() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def ids(stage: Rehearsal) -> set[UUID]:
    with stage.process.readers.connect() as connection:
        return set(connection.execute(select(runs.c.id)).scalars())


async def of_each_ending(stage: Rehearsal, world: World) -> dict[str, UUID]:
    """One run that completed, one that was rejected, one that failed, one that waits."""
    world.fails("rejected", Reject("no"))
    world.fails("failed", OSError("down"))
    world.fails("waiting", TimeoutError())
    started = {to: await stage.start(*_to(stage, to)) for to in ("completed", "rejected", "failed", "waiting")}
    await stage.process.worker.settled()
    assert {to: stage.run(run_id).state for to, run_id in started.items()} == {to: RunState(to) for to in started}
    return started


def _to(stage: Rehearsal, to: str) -> tuple[Pipeline[Any], Trip]:
    (wired,) = stage.process.wired.values()
    return wired.pipeline, Trip(to=to)


@pytest.mark.parametrize(
    ("after", "left"),
    [
        (MONTH - DAY, {"completed", "rejected", "failed", "waiting"}),
        (MONTH + DAY, {"failed", "waiting"}),
        (3 * MONTH + DAY, {"waiting"}),
    ],
    ids=["too early", "after a month", "after three"],
)
async def test_each_state_is_kept_for_its_time_and_open_runs_for_ever(
    database_url: str, after: timedelta, left: set[str]
) -> None:
    world, events = World(), list[Event]()
    async with staged(database_url, [trip()], world, events=events) as stage:
        started = await of_each_ending(stage, world)
        stage.clock.advance(after)
        await passed(pruner(stage))
        assert ids(stage) == {started[to] for to in left}
        assert count(stage, attempts) == len(left)
    assert sum(event.runs for event in events if isinstance(event, RunsPruned)) == 4 - len(left)


@SQLITE
async def test_the_age_of_a_run_is_counted_from_its_end(database_url: str) -> None:
    world = World()
    world.fails("Oslo", TimeoutError())
    async with staged(database_url, [trip()], world) as stage:
        run_id = await stage.start(*_to(stage, "Oslo"))
        await stage.run_to_the_end()
        assert stage.run(run_id).state is RunState.COMPLETED  # after a hundred days
        await passed(pruner(stage))
        assert ids(stage) == {run_id}


async def test_what_was_done_to_a_run_by_hand_goes_with_it_and_the_rest_stays(database_url: str) -> None:
    async with staged(database_url, [trip()]) as stage:
        run_id = await stage.start(*_to(stage, "Oslo"))
        await stage.run_to_the_end()
        at = stage.clock.now()
        rows = [{"id": uuid7(), "at": at, "actor": "ann", "action": "retry", "run_id": each} for each in (run_id, None)]
        from_outside(database_url, lambda connection: connection.execute(insert(interventions), rows))
        stage.clock.advance(2 * MONTH)
        await passed(pruner(stage))
        assert count(stage, interventions) == 1


def old_runs(
    connection: Connection, number: int, *, state: RunState = RunState.COMPLETED, tries: int = 0, payload: str = "{}"
) -> None:
    """Runs that ended at the beginning of time."""
    ended = VirtualClock().now().replace(year=2020)
    row = {
        "pipeline": "trip",
        "version": "1",
        "state": state,
        "step": "go",
        "fence": 1,
        "due_at": ended,
        "generation": 0,
        "attempt": 0,
        "errors": 0,
        "crashes": 0,
        "solo": False,
        "solo_deaths": 0,
        "payload": payload,
        "created_at": ended,
        "step_since": ended,
        "finished_at": ended,
        "tries": tries,
    }
    start = int(ended.timestamp() * 1000) << 80
    connection.execute(insert(runs), [row | {"id": UUID(int=start + each)} for each in range(number)])


@pytest.mark.parametrize(
    ("number", "tries", "sizes"),
    [(2500, 0, [1000, 1000, 500]), (250, 9, [100, 100, 50]), (2, 5000, [1, 1])],
    ids=["without attempts", "with ten rows each", "with more than there may be"],
)
@SQLITE
async def test_a_slice_is_a_thousand_rows_attempts_included(
    database_url: str, number: int, tries: int, sizes: list[int]
) -> None:
    events = list[Event]()
    async with staged(database_url, [trip()], events=events) as stage:
        from_outside(database_url, lambda connection: old_runs(connection, number, tries=tries))
        await passed(pruner(stage))
    assert [event.runs for event in events if isinstance(event, RunsPruned)] == sizes


@SQLITE
async def test_many_runs_that_are_kept_hide_none_that_may_go(database_url: str) -> None:
    async with staged(database_url, [trip()]) as stage:
        from_outside(database_url, lambda connection: old_runs(connection, 1500, state=RunState.QUARANTINED))
        run_id = await stage.start(*_to(stage, "Oslo"))
        await stage.run_to_the_end()
        stage.clock.advance(2 * MONTH)
        await passed(pruner(stage))
        assert (run_id in ids(stage), len(ids(stage))) == (False, 1500)


async def test_a_run_that_was_sent_on_its_way_again_since_it_was_seen_stays(database_url: str) -> None:
    async with staged(database_url, [trip()], slots=0) as stage:
        from_outside(database_url, lambda connection: old_runs(connection, 3))
        first, second, *_ = sorted(ids(stage))
        seen = pruner(stage)._read()
        assert seen is not None
        reopened = update(runs).where(runs.c.id == first).values(state=RunState.READY)
        ended_again = update(runs).where(runs.c.id == second).values(finished_at=stage.clock.now())
        from_outside(database_url, lambda connection: [connection.execute(each) for each in (reopened, ended_again)])
        assert await stage.write(pruning.prune, seen) == 1
        assert ids(stage) == {first, second}


@POSTGRESQL
async def test_runs_that_another_process_is_just_deleting_are_passed_over(database_url: str) -> None:
    engine = open_for_writing(database_url)
    async with staged(database_url, [trip()], slots=0) as stage:
        from_outside(database_url, lambda connection: old_runs(connection, 3))
        first = min(ids(stage))
        seen = pruner(stage)._read()
        assert seen is not None
        with engine.begin() as connection:
            connection.execute(select(runs.c.id).where(runs.c.id == first).with_for_update())
            assert await stage.write(pruning.prune, seen) == 2
    engine.dispose()


@SQLITE
async def test_nobody_waits_for_a_slice(database_url: str) -> None:
    async with staged(database_url, [trip()], slots=0) as stage:
        from_outside(database_url, lambda connection: old_runs(connection, 3))
        stage.process._committer._queue._new.append(None)  # type: ignore[arg-type] # somebody waits
        assert await pruner(stage).look() == WHILE_BUSY
        stage.process._committer._queue._new.clear()
        assert len(ids(stage)) == 3


async def test_dead_processes_are_forgotten_a_day_later_unless_they_own_runs(database_url: str) -> None:
    def died(connection: Connection) -> None:
        at = VirtualClock().now()
        common = {"host": "there", "pid": 1, "started_at": at, "commit_seq": 0, "lease_until": at}
        rows = [(OWNER, "dead"), (uuid7(), "dead"), (uuid7(), "live")]
        connection.execute(insert(processes), [{"id": each, "state": state} | common for each, state in rows])
        old_runs(connection, 1, state=RunState.RUNNING)
        connection.execute(update(runs).values(owner=OWNER))

    async with staged(database_url, [trip()]) as stage:
        from_outside(database_url, died)
        await passed(pruner(stage))
        assert count(stage, processes) == 4  # these and the stage's own
        stage.clock.advance(2 * DAY)
        await passed(pruner(stage))
        assert count(stage, processes) == 3


@SQLITE
async def test_a_sqlite_file_gets_smaller(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "SPARE_PAGES", 20)
    monkeypatch.setattr(pruning, "MOST_PAGES", 50)
    async with staged(database_url, [trip()]) as stage:
        from_outside(database_url, lambda connection: old_runs(connection, 150, payload="x" * 3000))
        slices = (pages(stage) - pruning.SPARE_PAGES) // pruning.MOST_PAGES
        assert 1 < await passed(pruner(stage)) <= slices + 2
        assert (ids(stage), free_pages(stage)) == (set(), pruning.SPARE_PAGES)


def pages(stage: Rehearsal) -> int:
    return _pragma(stage, "page_count")


def free_pages(stage: Rehearsal) -> int:
    return _pragma(stage, "freelist_count")


def _pragma(stage: Rehearsal, name: str) -> int:
    with stage.process.readers.connect() as connection:
        found: int = connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
        return found


@pytest.fixture
def filled(database_url: str) -> Iterator[Engine]:
    engine = fill(database_url)
    yield engine
    engine.dispose()


@pytest.mark.parametrize(
    ("statement", "bound"),
    [
        (pruning._OLDEST, {"after": pruning.FIRST, "before": UUID(int=1 << 120)}),
        (pruning._DELETE_RUNS, {"of": [OWNER], "until": VirtualClock().now()}),
        (pruning._DELETE_WITH_THEM[0], {"of": [OWNER]}),
        (pruning._DELETE_WITH_THEM[1], {"of": [OWNER]}),
    ],
    ids=["look", "runs", "attempts", "interventions"],
)
def test_no_slice_reads_the_whole_history(filled: Engine, statement: Executable, bound: dict[str, Any]) -> None:
    plan = plan_of(filled, statement, bound)
    assert "SCAN runs" not in plan
    assert "Seq Scan" not in plan, plan


def test_open_runs_are_no_ended_ones() -> None:
    assert not OPEN & ALL.ages.keys()
