"""How the process logs: one event is one line of JSON, or of text for a person at a terminal."""

import logging
import re
import sys
from typing import TextIO

import structlog
from opentelemetry.trace import get_current_span
from structlog.typing import EventDict, Processor, WrappedLogger

from orders_service.discretion import (
    kinds_of_exceptions,
    only_known_fields,
    templates_of_libraries,
    without_arguments,
)

_BREAKS_A_LINE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def configure(log_format: str = "auto", *, is_production: bool = False, stream: TextIO | None = None) -> None:
    """Send structlog and the standard library's logging to `stream` (stdout), as `json`, `text` or what fits (`auto`).

    What fits is JSON in production and wherever no terminal reads along. Only as text, and outside of production, are
    the texts of exceptions and the messages of libraries told in full: they may quote what a customer sent.
    """
    out = stream or sys.stdout
    as_json = log_format == "json" or (log_format == "auto" and (is_production or not out.isatty()))
    is_discreet = as_json or is_production
    rendering: list[Processor] = [kinds_of_exceptions, only_known_fields] if is_discreet else []
    rendering += [structlog.processors.JSONRenderer()] if as_json else _text(colors=out.isatty())
    structlog.configure(
        processors=[*_shared(), *rendering],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(file=out),
    )
    _bridge(out, [templates_of_libraries if is_discreet else without_arguments], rendering)


def _shared() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        _trace,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def _text(*, colors: bool) -> list[Processor]:
    plain = structlog.dev.plain_traceback  # the other one shows the values of variables
    return [_on_one_line, structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=plain)]


def _bridge(out: TextIO, reading: list[Processor], rendering: list[Processor]) -> None:
    """What libraries log takes the same way out. The server's access lines do not: the edge writes ours."""
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*_shared(), structlog.stdlib.add_logger_name],
            processors=[*reading, structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
            pass_foreign_args=True,
        )
    )
    logging.root.handlers = [handler]
    logging.root.setLevel(logging.INFO)
    for chatty in (
        "alembic",
        "celery.worker.consumer.mingle",
        "celery.worker.strategy",
        "celery.app.trace",
    ):  # what they find at every look; each message
        logging.getLogger(chatty).setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)
    for name in ("uvicorn", "uvicorn.error"):  # a server that is started by its own command has set them up already
        server = logging.getLogger(name)
        server.handlers, server.propagate = [], True
    access = logging.getLogger("uvicorn.access")
    access.handlers, access.propagate = [], False


def _trace(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Which trace the line is part of, if there is one."""
    span = get_current_span().get_span_context()
    if span.is_valid:
        event["trace_id"], event["span_id"] = f"{span.trace_id:032x}", f"{span.span_id:016x}"
    return event


def _on_one_line(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    return {key: _escaped(value) if isinstance(value, str) else value for key, value in event.items()}


def _escaped(text: str) -> str:
    return _BREAKS_A_LINE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
