"""Which runs a page is about: the filter as it stands in the URL and in forms, and in words."""

import re
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from urllib.parse import urlencode

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from orders_service.operations import RunChoice, States
from orders_service.strict_json import has_control_characters

_WITHOUT_OFFSET = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?")
_TO_THE_MINUTE = len("2026-11-28T12:00")
_TIMES = ("created_after", "created_before")


class Within(StrEnum):
    """How far back to look, as people say it."""

    QUARTER_HOUR = "15m"
    HOUR = "1h"
    DAY = "24h"
    WEEK = "7d"

    @property
    def length(self) -> timedelta:
        return _LENGTHS[self]

    @property
    def in_words(self) -> str:
        return _WORDS[self]


_LENGTHS = {
    Within.QUARTER_HOUR: timedelta(minutes=15),
    Within.HOUR: timedelta(hours=1),
    Within.DAY: timedelta(hours=24),
    Within.WEEK: timedelta(days=7),
}
_WORDS = {
    Within.QUARTER_HOUR: "the last 15 minutes",
    Within.HOUR: "the last hour",
    Within.DAY: "the last 24 hours",
    Within.WEEK: "the last 7 days",
}


class RunQuestion(RunChoice):
    """What the API takes, as forms send it: what is left empty is not asked, and times without an offset are in UTC."""

    states: States = Field(default=[], alias="state")
    within: Within | None = Field(default=None, strict=False)

    @model_validator(mode="before")
    @classmethod
    def _as_sent(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        said = {name: value for name, value in given.items() if value not in ("", None, [], [""])}
        if any(has_control_characters(text) for value in said.values() for text in _texts(value)):
            raise PydanticCustomError("text_characters", "Text should not contain control characters")
        return said | {name: _with_offset(said[name]) for name in _TIMES if name in said}

    def at(self, now: datetime) -> RunChoice:
        """The same with moments, which a page that is looked at later means too."""
        after = max(filter(None, (self.created_after, now - self.within.length if self.within else None)), default=None)
        asked = {name: getattr(self, name) for name in RunChoice.model_fields}
        return RunChoice(**asked | {"created_after": after})

    def __str__(self) -> str:
        """As a query string; without what is not asked it is empty."""
        return urlencode(fields_of(self) + ([("within", self.within)] if self.within else []))


def fields_of(choice: RunChoice) -> list[tuple[str, str]]:
    """As forms and URLs carry it."""
    said = [(name, getattr(choice, name)) for name in ("pipeline", "step", "version", "error")]
    times = [(name, getattr(choice, name)) for name in _TIMES]
    return [
        *((name, value) for name, value in said if value is not None),
        *(("state", state.value) for state in choice.states),
        *((name, moment.isoformat()) for name, moment in times if moment is not None),
    ]


def in_words(choice: RunChoice) -> list[str]:
    """What must hold, but for the states: a line each."""
    said = [
        ("of the pipeline {}", choice.pipeline),
        ("at the step {}", choice.step),
        ("of the version {}", choice.version),
        ("with “{}” in the error", choice.error),
        ("started at {} UTC or later", _moment(choice.created_after)),
        ("started before {} UTC", _moment(choice.created_before)),
    ]
    return [words.format(value) for words, value in said if value is not None]


def _moment(at: datetime | None) -> str | None:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}" if at is not None else None


def _texts(value: object) -> list[str]:
    return [text for text in (value if isinstance(value, list) else [value]) if isinstance(text, str)]


def _with_offset(said: object) -> object:
    """A browser's own field for times knows no offset, and leaves out seconds that are none."""
    if not isinstance(said, str) or not _WITHOUT_OFFSET.fullmatch(said):
        return said
    return said + (":00Z" if len(said) == _TO_THE_MINUTE else "Z")
