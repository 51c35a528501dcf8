"""Metrics carry the names and labels that dashboards rely on, and tell the truth with any number of processes."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import choose_encoder
from prometheus_client.parser import text_string_to_metric_families
from tenacity import wait_fixed

from pipelines import Destination, Pipeline, Reject, Retry, Schedule, StepContext, cron, schedule
from pipelines.events import Event, RunsPruned, RunsReaped, StepAttempted, WakeUpHeard, WakeUpsSent
from pipelines.journal import open_for_reading
from pipelines.telemetry import JournalGauges, PrometheusMetrics
from pipelines.testing import create_tables
from pipelines.worker.taking import Heard
from tests.builders.world import Trip, World, staged

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
BANK = Destination("bank", concurrency=1, retries_per_second=0.01)
Sample = tuple[str, frozenset[tuple[str, str]]]


def trip() -> Pipeline[Trip]:
    pipeline = Pipeline("trip", Trip)

    @pipeline.step(retry=Retry(on=(OSError,), wait=wait_fixed(60)), to=BANK)
    async def pay(world: World, step: StepContext) -> None:
        await world.call("pay", step)

    @pipeline.step()
    async def tell(world: World, step: StepContext) -> None:
        await world.call("tell", step)

    return pipeline


def nightly(pipeline: Pipeline[Trip], make: Callable[[datetime], Trip] | None = None) -> Schedule[Trip]:
    return schedule(pipeline, cron("0 3 * * *", zone="UTC"), make or Trip(), name="nightly")


def scraped(registry: CollectorRegistry) -> dict[Sample, float]:
    """Every sample, by name and labels, as Prometheus would read it."""
    families = text_string_to_metric_families(generate_latest(registry).decode())
    samples = (sample for family in families for sample in family.samples)
    return {(sample.name, frozenset(sample.labels.items())): sample.value for sample in samples}


def sample(name: str, **labels: str) -> Sample:
    return name, frozenset(labels.items())


def labels_of(samples: Iterable[Sample]) -> dict[str, set[str]]:
    return {name: {label for label, _ in labels} for name, labels in samples}


def untouched_registry(folder: Path) -> CollectorRegistry:
    """All metrics there are, before anything has happened."""
    url = f"sqlite:///{folder / 'empty.db'}"
    create_tables(url)
    registry = CollectorRegistry()
    PrometheusMetrics(registry, [trip()], [nightly(trip())])
    registry.register(JournalGauges(open_for_reading(url), [trip()], [nightly(trip())], patience=60.0))
    return registry


def test_names_and_labels_are_those_of_the_contract(tmp_path: Path) -> None:
    registry = untouched_registry(tmp_path)
    labels = labels_of(scraped(registry))
    contract = {
        "pipeline_step_attempts_total": {"pipeline", "step", "outcome"},
        "pipeline_step_duration_seconds_count": {"pipeline", "step"},
        "pipeline_step_wait_seconds_count": {"pipeline", "step"},
        "pipeline_runs_finished_total": {"pipeline", "outcome"},
        "pipeline_run_duration_seconds_count": {"pipeline"},
        "pipeline_commit_batch_size_count": set(),
        "pipeline_commit_seconds_count": set(),
        "pipeline_runs_put_aside_total": {"pipeline", "step", "destination"},
        "pipeline_runs_pruned_total": set(),
        "pipeline_wakeups_total": {"outcome"},
        "pipeline_wakeups_heard_total": {"outcome"},
        "pipeline_schedule_fires_total": {"schedule"},
        "pipeline_schedule_failures_total": {"schedule"},
        "pipeline_runs": {"pipeline", "state"},
        "pipeline_oldest_ready_seconds": {"pipeline"},
        "pipeline_processes_reaped_total": set(),
        "pipeline_processes": {"state"},
        "pipeline_schedule_last_success_timestamp_seconds": {"schedule"},
        "pipeline_journal_read_timestamp_seconds": set(),
    }
    assert {name: labels.get(name) for name in contract} == contract


@pytest.mark.parametrize(
    ("name", "label", "values"),
    [
        (
            "pipeline_step_attempts_total",
            "outcome",
            {"success", "retry", "throttled", "rejected", "failed", "cancelled"},
        ),
        (
            "pipeline_runs_finished_total",
            "outcome",
            {"completed", "rejected", "failed", "cancelled", "quarantined"},
        ),
        ("pipeline_runs_put_aside_total", "destination", {"bank"}),
        ("pipeline_schedule_fires_total", "schedule", {"nightly"}),
        ("pipeline_schedule_failures_total", "schedule", {"nightly"}),
        ("pipeline_processes", "state", {"live", "draining"}),
        ("pipeline_wakeups_total", "outcome", {"published", "failed", "dropped"}),
        ("pipeline_wakeups_heard_total", "outcome", {*Heard}),
        ("pipeline_schedule_last_success_timestamp_seconds", "schedule", {"nightly"}),
        ("pipeline_runs", "state", {"ready", "running", "waiting", "undoing", "failed", "quarantined"}),
    ],
)
def test_known_series_start_at_zero(name: str, label: str, values: set[str], tmp_path: Path) -> None:
    registry = untouched_registry(tmp_path)
    series = {labels: value for (found, labels), value in scraped(registry).items() if found == name}
    assert {dict(labels)[label] for labels in series} == values
    assert set(series.values()) == {0.0}


async def test_attempts_and_endings_are_counted(database_url: str) -> None:
    pipeline, world, registry = trip(), World(), CollectorRegistry()
    world.fails("pay", OSError("down"), OSError("down"))
    world.fails("tell", Reject("full"))
    metrics = PrometheusMetrics(registry, [pipeline])
    async with staged(database_url, [pipeline], world) as stage:
        stage.process.events.subscribe(metrics)
        await stage.start(pipeline, Trip())
        await stage.run_to_the_end()
    samples = scraped(registry)
    counted = {
        sample("pipeline_step_attempts_total", pipeline="trip", step="pay", outcome="retry"): 2,
        sample("pipeline_step_attempts_total", pipeline="trip", step="pay", outcome="success"): 1,
        sample("pipeline_step_attempts_total", pipeline="trip", step="tell", outcome="rejected"): 1,
        sample("pipeline_step_duration_seconds_count", pipeline="trip", step="pay"): 3,
        sample("pipeline_step_wait_seconds_count", pipeline="trip", step="pay"): 3,
        sample("pipeline_runs_finished_total", pipeline="trip", outcome="rejected"): 1,
        sample("pipeline_runs_finished_total", pipeline="trip", outcome="completed"): 0,
        sample("pipeline_run_duration_seconds_count", pipeline="trip"): 1,
    }
    assert {each: samples[each] for each in counted} == counted


@SQLITE
async def test_being_put_aside_is_counted_by_whom_it_is_for(database_url: str) -> None:
    pipeline, world, registry = trip(), World(), CollectorRegistry()
    world.fails("pay", *[OSError("down")] * 8)
    metrics = PrometheusMetrics(registry, [pipeline])
    async with staged(database_url, [pipeline], world) as stage:
        stage.process.events.subscribe(metrics)
        for _ in range(4):
            await stage.start(pipeline, Trip())
        await stage.run_to_the_end()
    assert scraped(registry)[sample("pipeline_runs_put_aside_total", pipeline="trip", step="pay", destination="bank")]


@SQLITE
async def test_ticks_are_counted_and_so_are_those_that_could_not_be_fired(database_url: str) -> None:
    pipeline, registry, broken = trip(), CollectorRegistry(), [False]

    def make(_: datetime) -> Trip:
        if broken[0]:
            raise LookupError
        return Trip()

    metrics = PrometheusMetrics(registry, [pipeline], [nightly(pipeline, make)])
    async with staged(database_url, [pipeline], schedules=[nightly(pipeline, make)]) as stage:
        stage.process.events.subscribe(metrics)
        await stage.advance(timedelta(days=2))
        broken[0] = True
        stage.clock.advance(timedelta(days=1))
        await stage.process.ticker.fire_due()
    samples = scraped(registry)
    assert samples[sample("pipeline_schedule_fires_total", schedule="nightly")] == 2
    assert samples[sample("pipeline_schedule_failures_total", schedule="nightly")] >= 1


@pytest.mark.parametrize(
    ("event", "name", "count"),
    [
        (RunsPruned(7), "pipeline_runs_pruned_total", 7),
        (RunsReaped(5, quarantined=1, processes=2), "pipeline_runs_reaped_total", 5),
        (RunsReaped(5, quarantined=1, processes=2), "pipeline_processes_reaped_total", 2),
    ],
)
def test_what_concerns_no_pipeline_is_counted(event: Event, name: str, count: int) -> None:
    registry = CollectorRegistry()
    PrometheusMetrics(registry, [])(event)
    assert scraped(registry)[sample(name)] == count


def test_wake_ups_are_counted_both_ways() -> None:
    registry = CollectorRegistry()
    metrics = PrometheusMetrics(registry, [])
    metrics(WakeUpsSent("published", 64))
    metrics(WakeUpHeard("taken"))
    samples = scraped(registry)
    assert samples[sample("pipeline_wakeups_total", outcome="published")] == 64
    assert samples[sample("pipeline_wakeups_heard_total", outcome="taken")] == 1


def test_an_attempt_names_the_trace_it_belongs_to() -> None:
    registry = CollectorRegistry()
    metrics = PrometheusMetrics(registry, [trip()], exemplar=lambda: {"trace_id": "0af7651916cd43dd8448eb211c80319c"})
    metrics(StepAttempted(uuid4(), "trip", "pay", "do", 1, "success", 0.0, 0.3, None))
    encode, _ = choose_encoder("application/openmetrics-text; version=1.0.0")
    lines = encode(registry).decode().splitlines()
    [line] = [line for line in lines if "trace_id" in line]
    assert line.startswith('pipeline_step_duration_seconds_bucket{le="0.5",pipeline="trip",step="pay"} 1.0 # ')


async def test_a_retry_waits_from_the_moment_the_step_was_reached(database_url: str) -> None:
    pipeline, world, registry = trip(), World(), CollectorRegistry()
    metrics = PrometheusMetrics(registry, [pipeline])
    async with staged(database_url, [pipeline], world) as stage:
        stage.process.events.subscribe(metrics)
        world.fails("pay", OSError("down"))
        await stage.start(pipeline, Trip())
        await stage.run_to_the_end()
    assert scraped(registry)[sample("pipeline_step_wait_seconds_sum", pipeline="trip", step="pay")] >= 60


async def test_each_commit_is_measured(database_url: str) -> None:
    pipeline, registry = trip(), CollectorRegistry()
    metrics = PrometheusMetrics(registry, [pipeline])
    async with staged(database_url, [pipeline]) as stage:
        stage.process.events.subscribe(metrics)
        await stage.start(pipeline, Trip())
        await stage.process.worker.settled()
        samples = scraped(registry)
    assert samples[sample("pipeline_commit_batch_size_sum")] == 3  # the start and two attempts
    assert samples[sample("pipeline_commit_seconds_count")] == samples[sample("pipeline_commit_batch_size_count")]
