"""An entry of the audit as a page shows it: what changed, word by word, and where to look at what it is about."""

import json
from dataclasses import dataclass
from typing import Annotated, Any, Self
from urllib.parse import quote, urlencode
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from orders_service.audit import AuditEntryView, AuditFilter
from orders_service.console.moments import LONGEST_MOMENT, moment_in
from orders_service.strict_json import has_control_characters

_ON_A_PAGE = 50


def _storable(text: str) -> str:
    if has_control_characters(text):
        raise PydanticCustomError("text_characters", "Text should not contain control characters")
    return text.strip()


Word = Annotated[str, AfterValidator(_storable)]


class AuditForm(BaseModel):
    """The filter as a form sends it: an empty field asks for nothing."""

    model_config = ConfigDict(frozen=True)

    actor: Word = Field(default="", max_length=200)
    action: Word = Field(default="", max_length=64)
    subject_type: Word = Field(default="", max_length=32)
    subject_id: Word = Field(default="", max_length=200)
    request_id: Word = Field(default="", max_length=128)
    created_after: Word = Field(default="", max_length=LONGEST_MOMENT)
    created_before: Word = Field(default="", max_length=LONGEST_MOMENT)
    cursor: str | None = Field(default=None, max_length=1000)

    @property
    def filter(self) -> AuditFilter:
        """Problem `invalid-request` for what is no moment."""
        return AuditFilter(
            actor=self.actor or None,
            action=self.action or None,
            subject_type=self.subject_type or None,
            subject_id=self.subject_id or None,
            request_id=self.request_id or None,
            created_after=moment_in(self.created_after, field="created_after"),
            created_before=moment_in(self.created_before, field="created_before"),
            cursor=self.cursor,
            limit=_ON_A_PAGE,
        )

    @property
    def query(self) -> str:
        """What is asked for, without the place in the list."""
        return urlencode(self.model_dump(exclude={"cursor"}, exclude_defaults=True))


@dataclass(frozen=True, slots=True)
class Change:
    """One value; `None` where there was none, or is none any more."""

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    """`via` is the door, if it was not the API; the paths lead to pages, where there are some."""

    entry: AuditEntryView
    via: str | None
    changes: tuple[Change, ...]
    actor_path: str | None
    subject_path: str | None

    @classmethod
    def of(cls, entry: AuditEntryView) -> Self:
        before, after = entry.before or {}, dict(entry.after or {})
        via = after.pop("via", None)
        names = dict.fromkeys([*before, *after])
        return cls(
            entry=entry,
            via=via,
            changes=tuple(Change(name, _told(before, name), _told(after, name)) for name in names),
            actor_path=_run_path(entry.actor.partition("/")[2]) if entry.actor_type == "service" else None,
            subject_path=_page_of(entry.subject_type, entry.subject_id),
        )


def _told(values: dict[str, Any], name: str) -> str | None:
    value = values.get(name)
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


_PAGES = {
    "webhook_endpoint": "/console/webhooks/{}",
    "schedule": "/console/schedules#{}",
    "import": "/console/jobs/imports/{}",
    "report": "/console/jobs/reports/{}",
    "order": "/console/find?id={}",
    "pipeline": "/console/runs?pipeline={}",
}


def _page_of(subject_type: str, subject_id: str) -> str | None:
    if subject_type == "run":
        return _run_path(subject_id)
    page = _PAGES.get(subject_type)
    return page.format(quote(subject_id, safe="")) if page is not None else None


def _run_path(run_id: str) -> str | None:
    try:
        return f"/console/runs/{UUID(run_id)}"
    except ValueError:
        return None  # of many at once
