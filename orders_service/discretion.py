"""What a log line may hold: fields from a closed list, kinds instead of texts, and nothing that anybody has sent."""

import logging
import re
import sys
from collections.abc import Collection, Iterator, Mapping
from pathlib import PurePath

from structlog.typing import EventDict, WrappedLogger

from pipelines.telemetry import MOST_FRAMES, kinds_of, places_of

# Whoever adds one vouches for its values: ids, names from the code, counts and durations.
FIELDS = frozenset(
    {
        *("timestamp", "level", "event", "logger", "place", "category", "exception", "frames", "left_out"),
        *("request_id", "trace_id", "span_id", "order_id", "run_id", "upload_id"),
        *("method", "route", "status", "problem", "milliseconds"),
        *("pipeline", "version", "step", "kind", "attempt", "outcome", "seconds", "error", "destination", "schedule"),
        *("runs", "processes", "quarantined", "committed", "reason"),
    }
)
ARGUMENTS = "positional_args"  # so structlog calls what a library fills into its message
UNTOLD = "a message without a template"
_WARNINGS = "py.warnings"
_WARNING = re.compile(r"(?P<file>[^\n]*?):(?P<line>\d+): (?P<category>\w+): ")
# These speak of themselves: where they listen, what they migrate, why they cannot start.
_OF_THEMSELVES = frozenset({"uvicorn", "alembic", "fastapi"})
_BEGINS_FIXED = frozenset({"asyncio"})  # the lines below its first one hold an exception's text
_IN_OUR_WORDS = {  # templates that say nothing by themselves
    ("celery.worker.consumer.consumer", "%s (%r)"): "the connection to the broker is lost, and is sought anew",
}
_TRACEBACK = "Traceback (most recent call last)"
_FRAME = re.compile(r'  File "(?P<file>.*)", line (?P<line>\d+), in (?P<name>.*)')


def only_known_fields(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Leave out what is not on the list, and say so by name."""
    unknown = event.keys() - FIELDS
    if not unknown:
        return event
    return {name: value for name, value in event.items() if name in FIELDS} | {"left_out": sorted(unknown)}


def kinds_of_exceptions(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Types and places only: the text of an exception may quote what a customer sent, down to the SQL parameters."""
    if (error := _error_of(event.pop("exc_info", None))) is not None:
        event["exception"], event["frames"] = kinds_of(error), places_of(error)
    return event


def without_arguments(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """They are in the message already, or not to be told."""
    event.pop(ARGUMENTS, None)
    return event


def templates_of_libraries(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """What a library fills into its message is not known to be fit to be told; the message before that is code.

    Of an exception that it fills in the kind is told.
    """
    record: logging.LogRecord = event["_record"]
    text, template, family = str(event["event"]), str(record.msg), record.name.partition(".")[0]
    if errors := [kinds_of(each) for each in _filled_in(event) if isinstance(each, BaseException)]:
        event["error"] = ", ".join(errors)
    event["place"] = f"{PurePath(record.pathname).name}:{record.lineno}"
    if record.name == _WARNINGS:
        _tell_warning(event, text)
    elif family in _OF_THEMSELVES:
        _tell_whole(event, text)
    elif template != text or family in _BEGINS_FIXED:
        event["event"] = _IN_OUR_WORDS.get((record.name, template)) or template.partition("\n")[0]
    else:
        event["event"] = UNTOLD  # it may have been put together before
    return event


def _filled_in(event: EventDict) -> Collection[object]:
    arguments = event.pop(ARGUMENTS, None) or ()
    return arguments.values() if isinstance(arguments, Mapping) else arguments


def _tell_warning(event: EventDict, text: str) -> None:
    found = _WARNING.match(text)
    event["event"] = "warning"
    if found is not None:
        event["category"] = found["category"]
        event["place"] = f"{PurePath(found['file']).name}:{found['line']}"


def _tell_whole(event: EventDict, text: str) -> None:
    if _TRACEBACK not in text:
        event["event"] = text
        return
    lines = text.splitlines()
    frames = [found for line in lines if (found := _FRAME.fullmatch(line))]
    event["event"] = "traceback"
    event["exception"] = " then ".join(_kinds_in(lines))
    event["frames"] = [f"{frame['file']}:{frame['line']} {frame['name']}" for frame in frames[-MOST_FRAMES:]]


def _kinds_in(lines: list[str]) -> Iterator[str]:
    """In a printed traceback the first line that is not indented begins with the kind of the exception."""
    is_inside = False
    for line in lines:
        if line.startswith(_TRACEBACK):
            is_inside = True
        elif is_inside and line and not line.startswith(" "):
            is_inside = False
            yield line.partition(":")[0]


def _error_of(exc_info: object) -> BaseException | None:
    if isinstance(exc_info, tuple):
        exc_info = exc_info[1]
    if isinstance(exc_info, BaseException):
        return exc_info
    return sys.exc_info()[1] if exc_info else None
