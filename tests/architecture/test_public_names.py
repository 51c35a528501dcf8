"""What users may import from `pipelines`; a name that goes or comes is a decision."""

import subprocess
import sys
import tomllib
from importlib.resources import files
from pathlib import Path
from types import ModuleType

import pytest

import pipelines
import pipelines.fastapi
import pipelines.telemetry
import pipelines.testing

PUBLIC = {
    "AlreadyServed",
    "Attempt",
    "AttemptMade",
    "AttemptOutcome",
    "Carrier",
    "CatchUp",
    "Cause",
    "Clock",
    "DeadLetter",
    "DeadLetters",
    "DeadlinePassed",
    "Destination",
    "EndedRuns",
    "Ending",
    "Fenced",
    "FoundRun",
    "Glance",
    "Intervention",
    "JournalError",
    "JournalMoved",
    "JournalTooOld",
    "Limits",
    "NoSession",
    "NotInsideTransaction",
    "NotMoved",
    "OutcomeUnknown",
    "Overloaded",
    "Pipeline",
    "PipelinePause",
    "PipelinesError",
    "Preview",
    "Priority",
    "Process",
    "Progress",
    "ReadSession",
    "Reject",
    "Retention",
    "Retry",
    "Rhythm",
    "RunFilter",
    "RunNews",
    "RunRecord",
    "RunStanding",
    "RunStands",
    "RunState",
    "Schedule",
    "ScheduleRecord",
    "Schedules",
    "StateConflict",
    "Steered",
    "Steering",
    "SteeringMany",
    "StepContext",
    "StepTimeout",
    "StorageFull",
    "Throttled",
    "Transaction",
    "Tried",
    "Unavailable",
    "UnknownRun",
    "UnknownSchedule",
    "UnknownStep",
    "Upcast",
    "Watch",
    "WiringError",
    "WithEvidence",
    "cancel",
    "counts_of_runs",
    "cron",
    "dead_letters",
    "died_runs",
    "ended_runs",
    "find_run",
    "find_runs",
    "glance",
    "interventions_of",
    "latest_interventions",
    "list_runs",
    "pause",
    "pauses_of",
    "resume",
    "schedule",
    "standings",
    "start",
    "time_limit",
}


FASTAPI = {
    "BackgroundTasks",
    "BackgroundWork",
    "TaskList",
    "TaskRefused",
    "Write",
    "Writer",
    "durable",
    "process_of",
    "run_router",
    "running",
}


TESTING = {
    "Deferred",
    "Died",
    "DoesNotSurvive",
    "Heard",
    "Inline",
    "Moment",
    "Mortality",
    "NeverEndingError",
    "Outside",
    "Point",
    "Rehearsal",
    "Survivor",
    "VirtualClock",
    "contents",
    "create_tables",
    "fresh_file",
    "rehearsal",
    "run_to_the_end",
    "survives_every_crash",
}

TELEMETRY = {
    "JournalGauges",
    "MOST_FRAMES",
    "PrometheusMetrics",
    "StructuredLogs",
    "Tracing",
    "Zeros",
    "current_exemplar",
    "current_traceparent",
    "is_tracing_on",
    "kinds_of",
    "places_of",
}

NOT_NEEDED = {"aiohttp", "fastapi", "opentelemetry", "prometheus_client", "psycopg", "structlog", "uvicorn"}
ROOT = Path(__file__).parents[2]


def test_the_public_names_are_these() -> None:
    assert set(pipelines.__all__) == PUBLIC


def test_the_public_names_for_fastapi_are_these() -> None:
    assert set(pipelines.fastapi.__all__) == FASTAPI


def test_the_public_names_for_tests_are_these() -> None:
    assert set(pipelines.testing.__all__) == TESTING


def test_the_public_subscribers_are_these() -> None:
    assert set(pipelines.telemetry.__all__) == TELEMETRY


@pytest.mark.parametrize("module", [pipelines, pipelines.fastapi, pipelines.testing, pipelines.telemetry], ids=str)
def test_every_public_name_says_what_may_be_relied_on(module: ModuleType) -> None:
    assert not [name for name in module.__all__ if not _says(getattr(module, name))]


def test_users_are_checked_against_our_types() -> None:
    assert (files(pipelines) / "py.typed").is_file()
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    assert "py.typed" in settings["package-data"]["pipelines"]


def test_the_library_is_imported_without_what_only_some_need() -> None:
    look = f"import sys, pipelines; print(*({NOT_NEEDED!r} & sys.modules.keys()))"
    seen = subprocess.run([sys.executable, "-c", look], capture_output=True, check=True, text=True)  # noqa: S603 - ours
    assert seen.stdout == "\n"


def _says(public: object) -> bool:
    """Words of its own: neither none, nor those that `dataclass` makes of the fields."""
    words = public.__doc__ or ""
    return bool(words) and not words.startswith(f"{getattr(public, '__name__', '')}(")
