"""Counts and durations of this process as Prometheus metrics."""

from collections.abc import Callable, Iterable
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram

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
    WakeUpHeard,
    WakeUpsSent,
    WriteRefused,
)
from pipelines.pipeline import Pipeline
from pipelines.run import TERMINAL, AttemptOutcome
from pipelines.schedule import Schedule
from pipelines.telemetry.zeros import Zeros

STEP_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 300)  # each is a series of every step
RUN_BUCKETS = (0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600)
COMMIT_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1)
BATCH_BUCKETS = (1, 2, 4, 8, 16, 32, 64, 128, 256)

UNDECLARED = "task"  # the step of a pipeline that unfolds itself from its input


class PrometheusMetrics:
    """A subscriber. All series of what it is given stand at 0 from the start, or `rate` would miss the first.

    `exemplar` says which trace an attempt belongs to, `current_exemplar` for example.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        pipelines: Iterable[Pipeline[Any]],
        schedules: Iterable[Schedule[Any]] = (),
        *,
        exemplar: Callable[[], dict[str, str] | None] = lambda: None,
    ) -> None:
        self._exemplar = exemplar
        self._pipelines, self._schedules = tuple(pipelines), tuple(schedules)
        registry.register(Zeros(self._start_at_zero))
        self._make_run_metrics(registry)
        self._make_journal_metrics(registry)
        self._make_rare_metrics(registry)
        self._series: dict[tuple[str, str, str], tuple[Counter, Histogram, Histogram]] = {}
        self._labels = {each.name: {step.name for step in each.steps} for each in self._pipelines}

    def _make_run_metrics(self, registry: CollectorRegistry) -> None:
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
        self._buried = Counter(
            "pipeline_processes_reaped", "Processes that let their lease run out, or died.", registry=registry
        )
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

        self._sent = Counter(
            "pipeline_wakeups",
            "Wake-ups for workers elsewhere, by what became of them.",
            ("outcome",),
            registry=registry,
        )
        self._heard = Counter(
            "pipeline_wakeups_heard",
            "Wake-ups that a carrier brought, by what became of the run.",
            ("outcome",),
            registry=registry,
        )

    def _start_at_zero(self) -> None:
        for outcome in _SENT:
            self._sent.labels(outcome)
        for outcome in _HEARD:
            self._heard.labels(outcome)
        for found in _FOUND.values():
            self._doubts.labels(found)
        for schedule in self._schedules:
            self._fires.labels(schedule.name)
            self._unfired.labels(schedule.name)
        for each in self._pipelines:
            self._start_pipeline(each)

    def _start_pipeline(self, pipeline: Pipeline[Any]) -> None:
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
                durations.observe(event.seconds, self._exemplar())
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
            case RunsReaped(runs=runs, processes=processes):
                self._reaped.inc(runs)
                self._buried.inc(processes)
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
            case WakeUpsSent(outcome=outcome, count=count):
                self._sent.labels(outcome).inc(count)
            case WakeUpHeard(outcome=outcome):
                self._heard.labels(outcome).inc()
            case _:
                pass


_SENT = ("published", "dropped", "failed")
_HEARD = ("taken", "left", "full")
_FOUND = {True: "committed", False: "not_committed"}
