"""Runs in a list: what matches, newest first, and what is read to find it."""

from datetime import timedelta
from itertools import product
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, text
from tenacity import wait_fixed

from pipelines import Pipeline, ReadSession, Retry, RunFilter, RunState, cancel, list_runs
from pipelines.journal import cancelling, filtering, listing, open_for_altering, open_for_writing
from pipelines.journal.tables import runs
from pipelines.testing import Rehearsal, create_tables
from tests.builders.journey import DOWN, journey
from tests.builders.world import Trip, World, staged
from tests.harness.plans import plan_of

HISTORY = 60_000
DEAD = (RunState.FAILED, RunState.QUARANTINED)
# Of a hundred runs one is rejected and one cancelled; a pipeline that runs rarely began long ago.
FILL = """
INSERT INTO runs (id, pipeline, version, state, step, fence, due_at, generation, attempt, errors, crashes, solo,
                  solo_deaths, payload, created_at, step_since, finished_at)
WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {count})
SELECT {id}, CASE WHEN mod(n, 1000) = 7 AND n < 10000 THEN 'rare' ELSE 'trip' END, '1',
       CASE mod(n, 100) WHEN 3 THEN 'rejected' WHEN 4 THEN 'cancelled' ELSE 'completed' END,
       'go', 0, {now}, 0, 0, 0, 0, false, 0, '{{}}', {now}, {now}, {now}
  FROM numbers
"""
IDS = {"sqlite": "printf('%032x', n)", "postgresql": "CAST(lpad(to_hex(n), 32, '0') AS uuid)"}
NOW = {"sqlite": "'2026-01-01'", "postgresql": "now()"}
OPEN = (RunState.READY, RunState.RUNNING, RunState.WAITING, RunState.UNDOING)
MIDDLE = UUID(int=HISTORY // 2)
# What is asked, and the index that has to answer it.
PLANS: dict[str, tuple[RunFilter, str]] = {
    "all": (RunFilter(), "pk_runs|sqlite_autoindex_runs_1"),
    "of a pipeline": (RunFilter(pipeline="rare"), "ix_runs_ended"),
    "rejected": (RunFilter(states=[RunState.REJECTED]), "ix_runs_turned_back"),
    "turned back": (RunFilter(states=[RunState.REJECTED, RunState.CANCELLED]), "ix_runs_turned_back"),
    "open": (RunFilter(states=OPEN), "ix_runs_claimable"),
    "dead letters": (RunFilter(states=DEAD), "ix_runs_dead_letters"),
    "dead letters of a pipeline": (RunFilter(pipeline="trip", states=DEAD), "ix_runs_dead_letters"),
    "at a step": (RunFilter(step="go"), "ix_runs_turned_back"),
    "with an error": (RunFilter(error="nobody said this"), "ix_runs_turned_back"),
}


async def ended_in_each_way(stage: Rehearsal, pipeline: Pipeline[Trip], world: World) -> dict[str, UUID]:
    """A run that completed, one that failed, one that was cancelled, and one that waits."""
    completed = await stage.start(pipeline, Trip())
    await stage.run_to_the_end()
    world.fails("tell", *DOWN)
    failed = await stage.start(pipeline, Trip())
    await stage.run_to_the_end()
    waits = await stage.start(pipeline, Trip(), due_at=stage.clock.now() + timedelta(days=1))
    cancelled = await stage.start(pipeline, Trip(), due_at=stage.clock.now() + timedelta(days=1))
    await stage.write(cancel, cancelled, reason="not wanted")
    await stage.run_until_waiting()
    return {"completed": completed, "failed": failed, "waiting": waits, "cancelled": cancelled}


def found(stage: Rehearsal, chosen: RunFilter, **options: Any) -> list[UUID]:
    skew = stage.clock.skew_seconds
    with ReadSession(stage.process.readers) as session:
        return [run.id for run in list_runs(session, chosen, skew_seconds=skew, **{"most": 50} | options)]


async def test_what_matches_is_listed_newest_first(database_url: str) -> None:
    pipeline, world = journey(), World()
    async with staged(database_url, [pipeline], world) as stage:
        runs = await ended_in_each_way(stage, pipeline, world)
        newest_first = [runs[each] for each in ("cancelled", "waiting", "failed", "completed")]
        assert found(stage, RunFilter()) == newest_first
        assert found(stage, RunFilter(pipeline="trip")) == newest_first
        assert found(stage, RunFilter(pipeline="other")) == []
        assert found(stage, RunFilter(except_pipeline="trip")) == []
        for some in product([False, True], repeat=4):
            names = [name for name, is_wanted in zip(runs, some, strict=True) if is_wanted]
            wanted = [run for run in newest_first if run in {runs[name] for name in names}]
            states = [RunState(name) for name in names]
            assert found(stage, RunFilter(states=states)) == (wanted if names else newest_first)


async def test_a_run_that_has_completed_stands_nowhere_and_has_no_error(database_url: str) -> None:
    pipeline, world = journey(), World()
    async with staged(database_url, [pipeline], world) as stage:
        runs = await ended_in_each_way(stage, pipeline, world)
        with ReadSession(stage.process.readers) as session:
            last = list_runs(session, RunFilter(states=[RunState.COMPLETED]), most=1)[0].step
        assert runs["completed"] not in found(stage, RunFilter(step=last))
        assert found(stage, RunFilter(step=last, states=[RunState.COMPLETED])) == []
        assert found(stage, RunFilter(error="not wanted")) == [runs["cancelled"]]


async def test_a_page_goes_on_where_the_last_one_ended(database_url: str) -> None:
    pipeline, world = journey(), World()
    async with staged(database_url, [pipeline], world) as stage:
        await ended_in_each_way(stage, pipeline, world)
        for chosen in (RunFilter(), RunFilter(states=[s for s in RunState if s is not RunState.COMPLETED])):
            whole = found(stage, chosen)
            read: list[UUID] = []
            while page := found(stage, chosen, most=1, before=read[-1] if read else None):
                read += page
            assert read == whole


async def test_times_are_those_of_the_clock_that_wrote_them(database_url: str) -> None:
    pipeline, world = journey(), World()
    async with staged(database_url, [pipeline], world) as stage:
        first = await stage.start(pipeline, Trip())
        stage.clock.advance(timedelta(days=2))
        between = stage.clock.now()
        stage.clock.advance(timedelta(days=2))
        second = await stage.start(pipeline, Trip())
        assert found(stage, RunFilter(created_after=between)) == [second]
        assert found(stage, RunFilter(created_before=between)) == [first]


async def test_a_run_that_is_to_be_tried_again_says_what_went_wrong(database_url: str) -> None:
    pipeline = Pipeline("trip", Trip)

    @pipeline.step(retry=Retry(on=(ConnectionError,), attempts=2, wait=wait_fixed(60)))
    async def call(trip: Trip) -> None:
        raise ConnectionError("engaged")

    async with staged(database_url, [pipeline]) as stage:
        await stage.start(pipeline, Trip())
        await stage.run_until_waiting()
        with ReadSession(stage.process.readers) as session:
            [run] = list_runs(session, RunFilter(), most=1)
        assert (run.state, run.errors, run.last_error) == (RunState.WAITING, 1, "ConnectionError: engaged")


@pytest.mark.parametrize("analysed", [True, False])
def test_no_page_reads_all_of_history(database_url: str, analysed: bool) -> None:  # noqa: FBT001 - a parameter
    engine = _filled(database_url, analysed=analysed)
    asked = {
        f"{name} {before}": (listing.statement(chosen, most=51, before=before, skew_seconds=0.0), index)
        for (name, (chosen, index)), before in product(PLANS.items(), [None, MIDDLE])
    }
    many = filtering._matching(RunFilter(), cancelling.CANCELLABLE).order_by(runs.c.id).limit(filtering.SLICE)
    asked["many"] = (many, "ix_runs_claimable")
    plans = {name: (plan_of(engine, statement, {}), index) for name, (statement, index) in asked.items()}
    engine.dispose()
    missing = {name: plan for name, (plan, index) in plans.items() if not any(i in plan for i in index.split("|"))}
    assert missing == {}
    assert {name: plan for name, (plan, _) in plans.items() if _reads_all(plan)} == {}


def _reads_all(plan: str) -> bool:
    return "Seq Scan on runs" in plan or "SCAN runs'" in plan


def _filled(database_url: str, *, analysed: bool) -> Engine:
    """By a connection that no limit breaks off: on a busy machine it is silent for longer than ours may be."""
    create_tables(database_url)
    engine = open_for_altering(database_url)
    name = engine.dialect.name
    with engine.begin() as connection:
        connection.execute(text(FILL.format(count=HISTORY, id=IDS[name], now=NOW[name])))
        if analysed or name == "postgresql":  # which does it by itself before long
            connection.exec_driver_sql("ANALYZE")
    engine.dispose()
    return open_for_writing(database_url)
