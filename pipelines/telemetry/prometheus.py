"""Counts and durations as Prometheus metrics: of this process from events, of all processes from the journal."""

import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from pipelines.events import (
    BatchCommitted,
    CommitDoubted,
    Event,
    RunFinished,
    RunPutAside,
    RunsPruned,
    RunsReaped,
    StepAttempted,
    TickFailed,
    TicksFired,
    WriteRefused,
)
from pipelines.journal import browsing
from pipelines.pipeline import Pipeline
from pipelines.run import DEAD_LETTERS, OPEN, TERMINAL, AttemptOutcome, RunState
from pipelines.schedule import Schedule
from pipelines.transaction import ReadSession

STEP_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
RUN_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 900, 3600)
COMMIT_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1)
BATCH_BUCKETS = (1, 2, 4, 8, 16, 32, 64, 128, 256)

CACHED_SECONDS = 5.0
UNDECLARED = "task"  # the step of a pipeline that unfolds itself from its input


class PrometheusMetrics:
    """A subscriber. All series of what it is given stand at 0 from the start, or `rate` would miss the first."""

    def __init__(
        self, registry: CollectorRegistry, pipelines: Iterable[Pipeline[Any]], schedules: Iterable[Schedule[Any]] = ()
    ) -> None:
        step, pipeline = ("pipeline", "step"), ("pipeline",)
        self._attempts = Counter(
            "pipeline_step_attempts", "Attempts at steps, by how they ended.", (*step, "outcome"), registry=registry
        )
        self._durations = Histogram(
            "pipeline_step_duration_seconds", "How long an attempt took.", step, registry=registry, buckets=STEP_BUCKETS
        )
        self._waits = Histogram(
            "pipeline_step_wait_seconds",
            "From reaching a step to an attempt at it.",
            step,
            registry=registry,
            buckets=RUN_BUCKETS,
        )
        self._finished = Counter(
            "pipeline_runs_finished", "Runs that ended, by how.", (*pipeline, "outcome"), registry=registry
        )
        self._lifetimes = Histogram(
            "pipeline_run_duration_seconds",
            "From the start of a run to its end.",
            pipeline,
            registry=registry,
            buckets=RUN_BUCKETS,
        )
        self._make_journal_metrics(registry)
        self._make_rare_metrics(registry)
        self._series: dict[tuple[str, str, str], tuple[Counter, Histogram, Histogram]] = {}
        self._labels: dict[str, set[str]] = {}
        for each in pipelines:
            self._start_at_zero(each)
        for schedule in schedules:
            self._fires.labels(schedule.name)
            self._unfired.labels(schedule.name)

    def _make_journal_metrics(self, registry: CollectorRegistry) -> None:
        self._batches = Histogram(
            "pipeline_commit_batch_size", "Members of a COMMIT.", registry=registry, buckets=BATCH_BUCKETS
        )
        self._commits = Histogram(
            "pipeline_commit_seconds",
            "From the first statement of a batch to the answer to its COMMIT.",
            registry=registry,
            buckets=COMMIT_BUCKETS,
        )
        self._doubts = Counter(
            "pipeline_commits_doubted",
            "COMMITs whose answer was lost, by what was found.",
            ("found",),
            registry=registry,
        )
        self._refused = Counter(
            "pipeline_writes_refused", "Writes of progress that the fence refused.", ("pipeline",), registry=registry
        )
        self._reaped = Counter("pipeline_runs_reaped", "Runs freed from dead processes.", registry=registry)
        self._pruned = Counter("pipeline_runs_pruned", "Runs deleted because they ended long ago.", registry=registry)

    def _make_rare_metrics(self, registry: CollectorRegistry) -> None:
        self._put_aside = Counter(
            "pipeline_runs_put_aside",
            "Times that there was no room for a call, or no token for a retry.",
            ("pipeline", "step", "destination"),
            registry=registry,
        )
        self._fires = Counter(
            "pipeline_schedule_fires", "Runs that a schedule has started.", ("schedule",), registry=registry
        )
        self._unfired = Counter(
            "pipeline_schedule_failures",
            "Times that a tick was due and its input could not be made.",
            ("schedule",),
            registry=registry,
        )

    def _start_at_zero(self, pipeline: Pipeline[Any]) -> None:
        self._labels[pipeline.name] = {step.name for step in pipeline.steps}
        for step in pipeline.steps:
            self._durations.labels(pipeline.name, step.name)
            self._waits.labels(pipeline.name, step.name)
            for outcome in AttemptOutcome:
                self._attempts.labels(pipeline.name, step.name, outcome)
            if step.to is not None:
                self._put_aside.labels(pipeline.name, step.name, step.to.name)
        for state in TERMINAL:
            self._finished.labels(pipeline.name, state)
        self._lifetimes.labels(pipeline.name)
        self._refused.labels(pipeline.name)
        for found in _FOUND.values():
            self._doubts.labels(found)

    def _series_of(self, pipeline: str, step: str, outcome: str) -> tuple[Counter, Histogram, Histogram]:
        """Looked up once per label set: each lookup in the client costs as much as counting does."""
        key = (pipeline, step, outcome)
        if key not in self._series:
            # What is not declared comes from an input, so its name is no label.
            label = step if step in self._labels.get(pipeline, {step}) else UNDECLARED
            durations, waits = self._durations.labels(pipeline, label), self._waits.labels(pipeline, label)
            self._series[key] = self._attempts.labels(pipeline, label, outcome), durations, waits
        return self._series[key]

    def __call__(self, event: Event) -> None:
        match event:
            case StepAttempted(pipeline=pipeline, step=step):
                attempts, durations, waits = self._series_of(pipeline, step, event.outcome)
                attempts.inc()
                durations.observe(event.seconds)
                waits.observe(event.waited_seconds)
            case BatchCommitted(size=size, seconds=seconds):
                self._batches.observe(size)
                self._commits.observe(seconds)
            case RunFinished(pipeline=pipeline, outcome=outcome, seconds=seconds):
                self._finished.labels(pipeline, outcome).inc()
                self._lifetimes.labels(pipeline).observe(seconds)
            case CommitDoubted(committed=committed):
                self._doubts.labels(_FOUND[committed]).inc()
            case WriteRefused(pipeline=pipeline):
                self._refused.labels(pipeline).inc()
            case RunsReaped(runs=runs):
                self._reaped.inc(runs)
            case _:
                self._count_rare(event)

    def _count_rare(self, event: Event) -> None:
        match event:
            case RunPutAside(pipeline=pipeline, step=step, destination=destination):
                self._put_aside.labels(pipeline, step, destination).inc()
            case RunsPruned(runs=runs):
                self._pruned.inc(runs)
            case TicksFired(schedule=schedule, runs=runs):
                self._fires.labels(schedule).inc(runs)
            case TickFailed(schedule=schedule):
                self._unfired.labels(schedule).inc()
            case _:
                pass


_FOUND = {True: "committed", False: "not_committed"}


class JournalGauges(Collector):
    """What the journal says, and so right with any number of processes: they all say the same, so take `max by`.

    Read at most every few seconds; a database that does not answer leaves the last values standing.
    """

    def __init__(
        self, readers: Engine, pipelines: Iterable[Pipeline[Any]], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._readers = readers
        self._pipelines = tuple(each.name for each in pipelines)
        self._clock = clock
        self._read_at = float("-inf")
        self._depths: dict[tuple[str, RunState], int] = {}
        self._oldest: dict[str, datetime] = {}

    def collect(self) -> Iterator[GaugeMetricFamily]:
        self._refresh()
        runs = GaugeMetricFamily(
            "pipeline_runs", "Open and dead runs, from the journal: use max by.", labels=("pipeline", "state")
        )
        for pipeline in self._pipelines:
            for state in (*sorted(OPEN), *DEAD_LETTERS):
                runs.add_metric((pipeline, state), self._depths.get((pipeline, state), 0))
        yield runs
        oldest = GaugeMetricFamily(
            "pipeline_oldest_ready_seconds",
            "Age of the oldest run that nobody has taken, from the journal: use max by.",
            labels=("pipeline",),
        )
        for pipeline in self._pipelines:
            oldest.add_metric((pipeline,), self._age_of(self._oldest.get(pipeline)))
        yield oldest

    def _age_of(self, since: datetime | None) -> float:
        return max(0.0, (datetime.now(UTC) - since).total_seconds()) if since is not None else 0.0

    def _refresh(self) -> None:
        if self._clock() - self._read_at < CACHED_SECONDS:
            return
        self._read_at = self._clock()
        try:
            with ReadSession(self._readers) as session:
                self._depths = browsing.depths(session)
                self._oldest = browsing.oldest_ready(session)
        except SQLAlchemyError:
            return  # a slow database never fails a scrape
