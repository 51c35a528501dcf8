"""Gauges of the journal: equal in all processes, and never in the way of a scrape."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine, QueuePool, create_engine, text

from pipelines import Pipeline, Reject, Schedule, StepContext, cron, schedule
from pipelines.journal import open_for_reading
from pipelines.journal.measuring import measure
from pipelines.telemetry import JournalGauges, gauges
from pipelines.telemetry.gauges import CACHED_SECONDS
from pipelines.testing import Rehearsal
from pipelines.transaction import ReadSession
from tests.builders.world import Trip, World, staged

POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
PATIENT = 60.0
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reading that is broken off leaves the last values, whatever broke it off."""
    monkeypatch.setattr(gauges, "MOST_SECONDS", PATIENT)


def trip() -> Pipeline[Trip]:
    pipeline = Pipeline("trip", Trip)

    @pipeline.step()
    async def go(world: World, step: StepContext) -> None:
        await world.call("go", step)

    return pipeline


def daily(pipeline: Pipeline[Trip], name: str = "daily", hour: int = 3) -> Schedule[Trip]:
    return schedule(pipeline, cron(f"0 {hour} * * *", zone="UTC"), Trip(), name=name)


class Scrapes:
    """A registry with nothing but the gauges; time passes when the test says so, and each reading is waited for."""

    def __init__(
        self, readers: Engine, pipelines: list[Pipeline[Any]], schedules: Any = (), patience: float = PATIENT
    ) -> None:
        self._now = 0.0
        self.gauges = JournalGauges(readers, pipelines, schedules, clock=lambda: self._now, patience=patience)
        self._registry = CollectorRegistry()
        self._registry.register(self.gauges)

    def later(self, seconds: float = CACHED_SECONDS) -> None:
        self._now += seconds

    def value(self, name: str, **labels: str) -> float:
        value = self._registry.get_sample_value(name, labels)
        assert value is not None
        return value

    def ready(self) -> float:
        return self.value("pipeline_runs", pipeline="trip", state="ready")


def scrapes_of(stage: Rehearsal, pipeline: Pipeline[Trip], *schedules: Schedule[Trip]) -> Scrapes:
    return Scrapes(stage.process.readers, [pipeline], schedules)


@asynccontextmanager
async def with_one_ready(database_url: str) -> AsyncIterator[Rehearsal]:
    pipeline = trip()
    async with staged(database_url, [pipeline], slots=0) as stage:
        await stage.start(pipeline, Trip())
        yield stage


@POSTGRESQL
async def test_the_gauges_of_two_processes_say_the_same(database_url: str) -> None:
    pipeline, world = trip(), World()
    gate = world.holds("go")
    async with staged(database_url, [pipeline], world) as one, staged(database_url, [pipeline], slots=0) as other:
        await one.start(pipeline, Trip())
        await gate.reached.wait()
        await other.start(pipeline, Trip())
        for scrapes in (scrapes_of(one, pipeline), scrapes_of(other, pipeline)):
            assert scrapes.value("pipeline_runs", pipeline="trip", state="running") == 1
            assert scrapes.ready() == 1
            assert scrapes.value("pipeline_processes", state="live") == 2
            assert scrapes.value("pipeline_processes", state="draining") == 0


async def test_the_oldest_run_that_nobody_has_taken_grows_older(database_url: str) -> None:
    pipeline = trip()
    async with staged(database_url, [pipeline], slots=0) as stage:
        stage.clock.advance(timedelta(minutes=-5))
        await stage.start(pipeline, Trip())
        age = scrapes_of(stage, pipeline).value("pipeline_oldest_ready_seconds", pipeline="trip")
    assert 300 <= age < 360


async def test_the_journal_is_not_read_for_every_scrape(database_url: str) -> None:
    pipeline = trip()
    async with staged(database_url, [pipeline], slots=0) as stage:
        scrapes = scrapes_of(stage, pipeline)
        assert scrapes.ready() == 0
        await stage.start(pipeline, Trip())
        scrapes.later(CACHED_SECONDS / 2)
        assert scrapes.ready() == 0
        scrapes.later(CACHED_SECONDS / 2)
        assert scrapes.ready() == 1


@pytest.mark.parametrize("away", ["postgresql://127.0.0.1:1/orders", "sqlite:////nowhere/at/all.db"])
async def test_a_database_that_is_away_fails_no_scrape_and_leaves_the_last_values(database_url: str, away: str) -> None:
    async with with_one_ready(database_url) as stage:
        scrapes = scrapes_of(stage, trip())
        assert scrapes.ready() == 1
        read_at = scrapes.value("pipeline_journal_read_timestamp_seconds")
        scrapes.gauges._readers = open_for_reading(away)
        scrapes.later()
        assert scrapes.ready() == 1
        assert scrapes.value("pipeline_journal_read_timestamp_seconds") == read_at > 0


async def test_a_database_that_hangs_keeps_no_scrape_waiting(database_url: str) -> None:
    async with with_one_ready(database_url) as stage:
        readers = _only_one_of(stage.process.readers)
        scrapes = Scrapes(readers, [trip()], patience=0.01)
        with readers.connect():  # for as long as it is out, whoever wants to read hangs
            assert scrapes.ready() == 0
            hanging = scrapes.gauges._reading
            scrapes.later()
            assert scrapes.ready() == 0
            assert scrapes.gauges._reading is hanging is not None
        await asyncio.to_thread(hanging.join)
        assert scrapes.ready() == 1
        if another := scrapes.gauges._reading:
            await asyncio.to_thread(another.join)  # else its connection would outlive the pool
        readers.dispose()


@POSTGRESQL
async def test_reading_has_a_time_limit_of_its_own(database_url: str) -> None:
    async with with_one_ready(database_url) as stage:
        with ReadSession(stage.process.readers) as session:
            measure(session, [], most_seconds=0.7)
            assert session.execute(text("SHOW statement_timeout")).scalar_one() == "700ms"
        with ReadSession(stage.process.readers) as session:
            assert session.execute(text("SHOW statement_timeout")).scalar_one() == "5s"


@POSTGRESQL
async def test_a_table_that_is_locked_fails_no_scrape_and_leaves_the_last_values(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with with_one_ready(database_url) as stage:
        scrapes = scrapes_of(stage, trip())
        assert scrapes.ready() == 1
        scrapes.later()
        monkeypatch.setattr(gauges, "MOST_SECONDS", 0.1)
        with psycopg.connect(database_url) as altering:
            altering.execute("LOCK TABLE runs IN ACCESS EXCLUSIVE MODE")
            assert await asyncio.to_thread(scrapes.ready) == 1


async def test_a_schedule_has_never_succeeded_until_its_first_run_is_completed(database_url: str) -> None:
    pipeline, world = trip(), World()
    world.fails("go", Reject("no"))
    async with staged(database_url, [pipeline], world, schedules=[daily(pipeline)]) as stage:
        scrapes = scrapes_of(stage, pipeline, daily(pipeline))
        await stage.advance(DAY)
        assert scrapes.value("pipeline_schedule_last_success_timestamp_seconds", schedule="daily") == 0
        await stage.advance(DAY)
        scrapes.later()
        assert scrapes.value("pipeline_schedule_last_success_timestamp_seconds", schedule="daily") > 0


async def test_failures_leave_the_last_success_of_a_schedule_standing(database_url: str) -> None:
    pipeline, world = trip(), World()
    async with staged(database_url, [pipeline], world, schedules=[daily(pipeline)]) as stage:
        scrapes = scrapes_of(stage, pipeline, daily(pipeline))
        await stage.advance(DAY)
        [succeeded] = stage.runs()
        world.fails("go", OSError("down"), OSError("down"))
        await stage.advance(2 * DAY)
        assert len(stage.runs()) == 3
        assert succeeded.finished_at is not None
        shown = scrapes.value("pipeline_schedule_last_success_timestamp_seconds", schedule="daily")
    assert shown == succeeded.finished_at.timestamp()


@SQLITE
async def test_schedules_of_one_pipeline_succeed_each_by_itself(database_url: str) -> None:
    pipeline, world = trip(), World()
    early, late = daily(pipeline), daily(pipeline, "daily-late", hour=22)
    async with staged(database_url, [pipeline], world, schedules=[early, late]) as stage:
        await stage.advance(2 * DAY)
        scrapes = scrapes_of(stage, pipeline, early, late)
        by_key = {run.key: run.finished_at for run in stage.runs()}
        for each in (early, late):
            [*_, last] = sorted(key for key in by_key if key is not None and key.startswith(f"{each.name}@"))
            shown = scrapes.value("pipeline_schedule_last_success_timestamp_seconds", schedule=each.name)
            assert by_key[last] == datetime.fromtimestamp(shown, UTC)


async def test_a_run_that_somebody_triggered_is_a_success_of_its_schedule(database_url: str) -> None:
    pipeline = trip()
    async with staged(database_url, [pipeline], schedules=[daily(pipeline)]) as stage:
        await stage.advance(timedelta(minutes=1))
        await stage.process.ticker.fire_due()
        await stage.write(stage.process.schedules.trigger, "daily", actor="ada")
        await stage.run_to_the_end()
        shown = scrapes_of(stage, pipeline, daily(pipeline)).value(
            "pipeline_schedule_last_success_timestamp_seconds", schedule="daily"
        )
        [run] = stage.runs()
    assert run.finished_at is not None
    assert shown == run.finished_at.timestamp()


def _only_one_of(readers: Engine) -> Engine:
    """The same database with one connection, for which one waits as long as it takes."""
    return create_engine(readers.url, poolclass=QueuePool, pool_size=1, max_overflow=0, pool_timeout=PATIENT)
