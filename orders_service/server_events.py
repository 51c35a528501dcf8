"""An event stream, read as it comes (the `text/event-stream` of the HTML standard)."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One event. Whoever comes back with its `id` hears what came after it."""

    name: str
    id: str | None
    data: Any


def events_of(lines: Iterable[bytes]) -> Iterator[ServerEvent]:
    """Whole events only: one that is cut off comes again. Raises `ValueError` for what is no JSON."""
    fields: dict[str, str] = {}
    for line in lines:
        text = line.decode().rstrip("\r\n")
        if text:
            _take(text, fields)
        elif line and fields:
            if "data" in fields:
                yield ServerEvent(fields.get("event", "message"), fields.get("id"), json.loads(fields["data"]))
            fields = {}


def _take(text: str, fields: dict[str, str]) -> None:
    name, _, value = text.partition(":")
    if not name:
        return  # a comment, which keeps the connection open
    value = value.removeprefix(" ")
    fields[name] = f"{fields[name]}\n{value}" if name == "data" and name in fields else value
