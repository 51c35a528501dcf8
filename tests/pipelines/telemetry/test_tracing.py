"""Spans of attempts: linked to the request, current while an action runs, closed whatever happens."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import fastapi
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from pipelines import Pipeline, Reject, Retry, StepContext, Transaction
from pipelines.events import Event, StepAttempted, StepBegun
from pipelines.fastapi import BackgroundWork, TaskList
from pipelines.telemetry import Tracing, current_traceparent, is_tracing_on
from tests.builders import errands
from tests.builders.world import Trip, World, note, staged

CANARY = "canary@example.com"

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


class Recorder:
    """A provider of its own, and the spans that have ended."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self.provider = TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.tracing = Tracing(self.provider)

    @property
    def spans(self) -> list[ReadableSpan]:
        return list(self._exporter.get_finished_spans())

    def told(self) -> list[tuple[Any, Any, Any]]:
        return [
            (span.name, (span.attributes or {})["pipelines.attempt"], (span.attributes or {})["pipelines.outcome"])
            for span in self.spans
        ]

    @contextmanager
    def request(self) -> Iterator[trace.SpanContext]:
        with self.provider.get_tracer("test").start_as_current_span("request") as span:
            yield span.get_span_context()


def travelling(seen: list[str | None] | None = None) -> Pipeline[Trip]:
    pipeline = Pipeline("trip", Trip)

    def unbook(tx: Transaction) -> None:
        note(tx, "unbooked")

    @pipeline.step(undo=unbook)
    def book(tx: Transaction) -> None:
        note(tx, "booked")

    @pipeline.step(retry=Retry(on=(OSError,)))
    async def pay(world: World, step: StepContext) -> None:
        if seen is not None:
            seen.append(current_traceparent())
        await world.call("pay", step)

    return pipeline


async def test_each_attempt_is_a_span_that_says_how_it_went(database_url: str) -> None:
    recorder, world, pipeline = Recorder(), World(), travelling()
    world.fails("pay", OSError("down"), Reject("full"))
    async with staged(database_url, [pipeline], world) as stage:
        stage.process.events.subscribe(recorder.tracing)
        run_id = await stage.start(pipeline, Trip())
        await stage.run_to_the_end()
    assert recorder.told() == [
        ("trip book", 1, "success"),
        ("trip pay", 1, "retry"),
        ("trip pay", 2, "rejected"),
        ("trip book", 1, "success"),
    ]
    assert [(span.attributes or {})["pipelines.kind"] for span in recorder.spans] == ["do", "do", "do", "undo"]
    assert {(span.attributes or {})["pipelines.run_id"] for span in recorder.spans} == {str(run_id)}
    assert [span.status.status_code for span in recorder.spans].count(StatusCode.ERROR) == 1


async def test_a_span_names_the_function_that_it_is_about(database_url: str) -> None:
    recorder, world, pipeline = Recorder(), World(), travelling()
    world.fails("pay", Reject("full"))
    async with staged(database_url, [pipeline], world) as stage:
        stage.process.events.subscribe(recorder.tracing)
        await stage.start(pipeline, Trip())
        await stage.run_to_the_end()
    names = [str((span.attributes or {})["code.function.name"]) for span in recorder.spans]
    assert [name.rpartition(".")[2] for name in names] == ["book", "pay", "unbook"]
    assert {name.partition(":")[0].partition(".<")[0] for name in names} == {f"{__name__}.travelling"}


async def test_a_background_task_has_the_span_that_fastapi_gives_its_own(database_url: str) -> None:
    recorder = Recorder()
    async with staged(database_url, [BackgroundWork(errands.HERE)]) as stage:
        stage.process.events.subscribe(recorder.tracing)
        tasks = TaskList(stage.process)
        tasks.add_task(errands.write, "a")
        tasks.add_task(errands.send, "b")
        run_id = await tasks.save()
        await stage.run_to_the_end()
    errands.forget()
    told = [
        (span.name, said["code.function.name"], said["pipelines.step"], said["pipelines.run_id"])
        for span in recorder.spans
        if (said := span.attributes or {})
    ]
    assert told == [
        (theirs(function), f"{errands.HERE}.{function.__name__}", step, str(run_id))
        for function, step in ((errands.write, "1 write"), (errands.send, "2 send"))
    ]


def theirs(function: Any) -> str:
    """The name of the span in which FastAPI calls this."""
    recorder = Recorder()
    app = FastAPI(telemetry={"tracer_provider": recorder.provider})

    @app.post("/")
    async def endpoint(tasks: fastapi.BackgroundTasks) -> None:
        tasks.add_task(function, "a")

    with TestClient(app) as client:
        client.post("/")
    errands.forget()
    [span] = [each for each in recorder.spans if "background" in each.name]
    assert (span.attributes or {})["code.function.name"] == f"{errands.HERE}.{function.__name__}"
    return span.name


async def test_a_span_is_linked_to_the_request_that_started_the_run_and_is_not_its_child(database_url: str) -> None:
    recorder, pipeline = Recorder(), travelling()
    async with staged(database_url, [pipeline], origin=current_traceparent) as stage:
        stage.process.events.subscribe(recorder.tracing)
        with recorder.request() as request:
            await stage.start(pipeline, Trip())
        await stage.run_to_the_end()
    steps = [span for span in recorder.spans if span.name != "request"]
    assert [(link.context.trace_id, link.context.span_id) for span in steps for link in span.links] == [
        (request.trace_id, request.span_id)
    ] * 2
    assert all(span.parent is None for span in steps)
    assert request.trace_id not in {span.context.trace_id for span in steps if span.context}


async def test_a_run_that_nobody_traced_has_no_link(database_url: str) -> None:
    recorder, pipeline = Recorder(), travelling()
    async with staged(database_url, [pipeline], origin=current_traceparent) as stage:
        stage.process.events.subscribe(recorder.tracing)
        await stage.start(pipeline, Trip())
        await stage.run_to_the_end()
    assert [span.links for span in recorder.spans] == [(), ()]


async def test_what_an_action_step_calls_is_part_of_its_span(database_url: str) -> None:
    seen: list[str | None] = []
    recorder, pipeline = Recorder(), travelling(seen)
    async with staged(database_url, [pipeline]) as stage:
        stage.process.events.subscribe(recorder.tracing)
        await stage.start(pipeline, Trip())
        await stage.run_to_the_end()
    [pay] = [span.context for span in recorder.spans if span.name == "trip pay"]
    assert pay is not None
    assert seen == [f"00-{pay.trace_id:032x}-{pay.span_id:016x}-{int(pay.trace_flags):02x}"]


async def test_runs_side_by_side_have_spans_of_their_own(database_url: str) -> None:
    seen: list[str | None] = []
    recorder, world, pipeline = Recorder(), World(), travelling(seen)
    gate = world.holds("pay")
    async with staged(database_url, [pipeline], world) as stage:
        stage.process.events.subscribe(recorder.tracing)
        await asyncio.gather(*(stage.start(pipeline, Trip()) for _ in range(3)))
        await gate.reached.wait()
        gate.opened.set()
        await stage.run_to_the_end()
    assert len(set(seen)) == len(seen) == 3
    assert len(recorder.spans) == 6


async def test_a_step_that_is_broken_off_leaves_no_span_open(database_url: str) -> None:
    recorder, world, pipeline = Recorder(), World(), travelling()
    gate = world.holds("pay")
    async with staged(database_url, [pipeline], world) as stage:
        stage.process.events.subscribe(recorder.tracing)
        await stage.start(pipeline, Trip())
        await gate.reached.wait()
    assert recorder.told()[-1] == ("trip pay", 1, "abandoned")
    assert recorder.tracing._open == {}


def test_a_span_is_nobody_s_child_and_current_for_no_longer_than_it_lasts(database_url: str) -> None:
    recorder, run_id = Recorder(), UUID(int=7)
    with recorder.request() as request:
        recorder.tracing(StepBegun(run_id, "trip", "pay", "do", 1, traceparent=None))
        during = trace.get_current_span().get_span_context()
        recorder.tracing(StepAttempted(run_id, "trip", "pay", "do", 1, "success", 0.0, 0.1, None))
        after = trace.get_current_span().get_span_context()
    step = recorder.spans[0]
    assert (step.parent, step.context) == (None, during)
    assert after == request


async def test_without_a_follower_no_beginning_is_told(database_url: str) -> None:
    events: list[Event] = []
    pipeline = travelling()
    async with staged(database_url, [pipeline], events=events) as stage:
        await stage.start(pipeline, Trip())
        await stage.run_to_the_end()
    assert not [event for event in events if isinstance(event, StepBegun)]


async def test_no_span_holds_a_word_of_the_data(database_url: str) -> None:
    recorder, world, pipeline = Recorder(), World(), travelling()
    world.fails("pay", OSError(CANARY), ValueError(CANARY))
    async with staged(database_url, [pipeline], world) as stage:
        stage.process.events.subscribe(recorder.tracing)
        await stage.start(pipeline, Trip(to=CANARY))
        await stage.run_to_the_end()
    assert len(recorder.spans) == 4
    assert CANARY not in "".join(span.to_json() for span in recorder.spans)


def test_tracing_is_off_until_a_provider_is_set(database_url: str) -> None:
    assert not is_tracing_on()
    assert current_traceparent() is None
