"""Log lines of events: which level, which fields, and never a word of the data."""

import json
import logging
from collections.abc import Callable
from io import StringIO
from typing import Any
from uuid import UUID

import pytest
import structlog

from pipelines import Pipeline, Reject, Retry, StepContext, Transaction
from pipelines.events import (
    BatchCommitted,
    CarrierChanged,
    CommitDoubted,
    Event,
    ProcessFailed,
    RunFinished,
    RunLeft,
    RunPutAside,
    RunsReaped,
    RunStarted,
    StepAttempted,
    StepRaised,
    TickFailed,
    WakeUpsSent,
    WriteRefused,
)
from pipelines.telemetry import StructuredLogs
from tests.builders.world import Trip, World, note, staged

RUN = UUID(int=7)
CANARY = "canary@example.com"


class Out(StringIO):
    """What a logger wrote, line by line."""

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.getvalue().splitlines()]


def subscriber(out: Out, level: int = logging.DEBUG) -> StructuredLogs:
    logger = structlog.wrap_logger(
        structlog.WriteLogger(out),
        processors=[structlog.processors.add_log_level, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(level),
    )
    return StructuredLogs(logger)


def attempted(outcome: str, error: str | None = None) -> StepAttempted:
    return StepAttempted(RUN, "trip", "pay", "do", 2, outcome, 0.5, 0.25, error)


def line_of(event: Event) -> dict[str, Any] | None:
    out = Out()
    subscriber(out)(event)
    return next(iter(out.lines()), None)


@pytest.mark.parametrize(
    ("event", "level"),
    [
        (attempted("success"), "debug"),
        (attempted("retry", "OSError: down"), "warning"),
        (attempted("throttled", "Throttled: later"), "warning"),
        (attempted("failed", "OSError: down"), "warning"),
        (attempted("rejected", "full"), "info"),
        (attempted("cancelled"), "info"),
        (RunStarted(RUN, "trip"), "debug"),
        (RunFinished(RUN, "trip", "completed", 1.0), "debug"),
        (RunFinished(RUN, "trip", "rejected", 1.0), "info"),
        (RunFinished(RUN, "trip", "failed", 1.0), "error"),
        (RunFinished(RUN, "trip", "quarantined", 1.0), "error"),
        (RunLeft(RUN, "trip", "one", "pay"), "error"),
        (RunPutAside(RUN, "trip", "pay", "bank", 1.0), "debug"),
        (WriteRefused(RUN, "trip"), "warning"),
        (RunsReaped(3, 1), "warning"),
        (TickFailed("nightly", "LookupError: 1"), "error"),
        (CommitDoubted(committed=True), "warning"),
        (ProcessFailed("fenced"), "critical"),
        (CarrierChanged("ConnectionError"), "warning"),
        (CarrierChanged(None), "info"),
        (WakeUpsSent("published", 1), None),
        (BatchCommitted(3, 0.1), None),
    ],
)
def test_a_level_says_who_should_look(event: Event, level: str | None) -> None:
    line = line_of(event)
    assert (line and line["level"]) == level


def test_an_attempt_is_told_in_full_but_for_its_data() -> None:
    assert line_of(attempted("retry", f"OSError: {CANARY} is down")) == {
        "event": "step attempted",
        "level": "warning",
        "run_id": str(RUN),
        "pipeline": "trip",
        "step": "pay",
        "kind": "do",
        "attempt": 2,
        "outcome": "retry",
        "seconds": 0.25,
        "error": "OSError",
    }


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (attempted("rejected", f"{CANARY}: no such address"), "rejected"),
        (attempted("rejected", "Ada: no such customer"), "rejected"),
        (attempted("failed", CANARY), "failed"),
        (attempted("failed", f"pkg.Odd.Error: {CANARY}"), "pkg.Odd.Error"),
    ],
)
def test_of_an_error_only_its_type_is_told(event: StepAttempted, said: str) -> None:
    line = line_of(event)
    assert line is not None
    assert line["error"] == said


def raised(error: Exception) -> Exception:
    """With a place where that was."""
    try:
        raise error
    except type(error) as caught:
        return caught


def test_what_ends_a_run_is_told_with_the_place_where_it_was_raised() -> None:
    line = line_of(StepRaised(RUN, "trip", "pay", raised(LookupError(CANARY)), is_final=True))
    assert line is not None
    [frame] = line.pop("frames")
    assert frame.partition("test_logs.py:")[2].endswith(" raised")
    assert line == {
        "event": "step raised",
        "level": "warning",
        "run_id": str(RUN),
        "pipeline": "trip",
        "step": "pay",
        "exception": "LookupError",
    }


@pytest.mark.parametrize(
    "event",
    [
        StepRaised(RUN, "trip", "pay", OSError(CANARY), is_final=False),
        StepRaised(RUN, "trip", "pay", Reject(CANARY), is_final=True),
    ],
    ids=["tried again", "a refusal"],
)
def test_no_place_is_told_of_what_is_nobodys_mistake(event: Event) -> None:
    out = Out()
    subscriber(out, logging.INFO)(event)
    assert out.lines() == []


def test_a_tick_that_fails_says_where_and_not_with_what_words() -> None:
    line = line_of(TickFailed("nightly", f"LookupError: {CANARY}"))
    assert line == {"event": "tick failed", "level": "error", "schedule": "nightly", "error": "LookupError"}


def test_a_process_that_fails_says_why_without_the_text_of_an_error() -> None:
    line = line_of(ProcessFailed(f"the committer failed: IntegrityError({CANARY!r})"))
    assert line is not None
    assert line["reason"] == "the committer failed"


def wary() -> Pipeline[Trip]:
    """Everything that a step can say, it says about the customer."""
    pipeline = Pipeline("trip", Trip)

    def unbook(tx: Transaction) -> None:
        note(tx, "unbooked")

    @pipeline.step(undo=unbook)
    def book(trip: Trip, tx: Transaction) -> str:
        return trip.to

    @pipeline.step(retry=Retry(on=(OSError,)))
    async def pay(world: World, step: StepContext) -> None:
        await world.call("pay", step)

    return pipeline


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "last", [lambda: Reject(CANARY), lambda: ValueError(CANARY), lambda: None], ids=["rejected", "failed", "completed"]
)
async def test_no_line_of_a_whole_run_holds_a_word_of_its_data(
    database_url: str, last: Callable[[], Exception | None]
) -> None:
    world, out, pipeline = World(), Out(), wary()
    world.fails("pay", OSError(CANARY), *([error] if (error := last()) else []))
    async with staged(database_url, [pipeline], world) as stage:
        stage.process.events.subscribe(subscriber(out))
        await stage.start(pipeline, Trip(to=CANARY))
        await stage.run_to_the_end()
    lines = out.lines()
    assert [line["event"] for line in lines if line["event"].startswith("run")] == ["run started", "run finished"]
    assert len([line for line in lines if line["event"] == "step attempted"]) >= 3
    assert CANARY not in out.getvalue()


def test_what_is_filtered_costs_no_line() -> None:
    out = Out()
    subscriber(out, logging.INFO)(attempted("success"))
    assert out.lines() == []
