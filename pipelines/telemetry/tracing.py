"""OpenTelemetry: a span for each attempt, linked to the request that started the run."""

import re
from contextvars import Token
from uuid import UUID

from opentelemetry import context, trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, ProxyTracerProvider, Span, SpanContext, StatusCode, TraceFlags

from pipelines.background.work import NAME as BACKGROUND_TASKS
from pipelines.events import Event, StepAbandoned, StepAttempted, StepBegun
from pipelines.run import AttemptOutcome

_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_ALONE = Context()  # a step is nobody's child: its request is long answered
_AS_WISHED = frozenset({AttemptOutcome.SUCCESS, AttemptOutcome.CANCELLED, AttemptOutcome.REJECTED})


def is_tracing_on() -> bool:
    """Whether the application has set a tracer provider; until then spans go nowhere."""
    return not isinstance(trace.get_tracer_provider(), ProxyTracerProvider)


def current_traceparent() -> str | None:
    """The trace that the caller is part of, to be stored with the runs it starts: for `Process(origin=...)`."""
    span = trace.get_current_span().get_span_context()
    if not span.is_valid:
        return None
    return f"00-{span.trace_id:032x}-{span.span_id:016x}-{int(span.trace_flags):02x}"


def current_exemplar() -> dict[str, str] | None:
    """The trace that the caller is part of, if it is kept, as an exemplar of a metric names it."""
    span = trace.get_current_span().get_span_context()
    return {"trace_id": f"{span.trace_id:032x}"} if span.is_valid and span.trace_flags.sampled else None


class Tracing:
    """A subscriber. The span of an action step is the current one while it runs, so that its calls carry it on.

    Background tasks are told apart by what FastAPI calls its own: `fastapi.background_task`, with the function's name.
    """

    follows_steps = True

    def __init__(self, provider: trace.TracerProvider | None = None) -> None:
        self._tracer = trace.get_tracer("pipelines", tracer_provider=provider)
        self._open: dict[UUID, tuple[Span, Token[Context]]] = {}

    def __call__(self, event: Event) -> None:
        match event:
            case StepBegun():
                self._begin(event)
            case StepAttempted(run_id=run_id, outcome=outcome) if run_id in self._open:
                self._end(run_id, str(outcome), is_error=outcome not in _AS_WISHED)
            case StepAbandoned(run_id=run_id) if run_id in self._open:
                self._end(run_id, "abandoned", is_error=False)
            case _:
                pass

    def _begin(self, event: StepBegun) -> None:
        is_task = event.pipeline == BACKGROUND_TASKS
        span = self._tracer.start_span(
            "fastapi.background_task" if is_task else f"{event.pipeline} {event.step}",
            context=_ALONE,
            links=_links(event.traceparent),
            attributes=_attributes(event),
        )
        self._open[event.run_id] = span, context.attach(trace.set_span_in_context(span, _ALONE))

    def _end(self, run_id: UUID, outcome: str, *, is_error: bool) -> None:
        span, token = self._open.pop(run_id)
        context.detach(token)
        span.set_attribute("pipelines.outcome", outcome)
        if is_error:
            span.set_status(StatusCode.ERROR)  # without a description: an error's text may quote a customer
        span.end()


def _attributes(event: StepBegun) -> dict[str, str | int]:
    said: dict[str, str | int] = {
        "pipelines.run_id": str(event.run_id),
        "pipelines.pipeline": event.pipeline,
        "pipelines.step": event.step,
        "pipelines.kind": str(event.kind),
        "pipelines.attempt": event.attempt,
    }
    return said if event.function is None else said | {"code.function.name": event.function}


def _links(traceparent: str | None) -> list[Link]:
    found = _TRACEPARENT.fullmatch(traceparent) if traceparent is not None else None
    if found is None:
        return []
    trace_id, span_id, flags = (int(part, 16) for part in found.groups())
    return [Link(SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(flags)))]
