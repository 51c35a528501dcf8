"""Lists in pages: a cursor that only we can read, bound to the filter under which it was given."""

import base64
import json
from typing import Annotated, Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from orders_service.strict_json import has_control_characters

ItemT = TypeVar("ItemT")

MOST_ITEMS = 200
Limit = Annotated[int, Field(ge=1, le=MOST_ITEMS)]


class Page(BaseModel, Generic[ItemT]):
    """Some items, and where to go on; `next` is null on the last page."""

    model_config = ConfigDict(frozen=True)

    items: list[ItemT]
    next: str | None = Field(default=None, description="Give it as `cursor` to read on.")


class UnfitCursor(Exception):
    """The cursor was not given by us, or for another filter."""


def cursor_after(last: UUID | str, *, under: str) -> str:
    """Go on after this item, under this filter."""
    return base64.urlsafe_b64encode(json.dumps([str(last), under]).encode()).decode().rstrip("=")


def place_of(cursor: str | None, *, under: str) -> UUID | None:
    """Where to go on in a list by id. Raises `UnfitCursor`."""
    last = name_of(cursor, under=under)
    try:
        return UUID(last) if last is not None else None
    except ValueError:
        raise UnfitCursor from None


def name_of(cursor: str | None, *, under: str) -> str | None:
    """Where to go on in a list by name. Raises `UnfitCursor`."""
    if cursor is None:
        return None
    try:
        match json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))):
            case [str(last), str(filter_then)] if filter_then == under and not has_control_characters(last):
                return last
    except (ValueError, RecursionError):  # neither base64, nor JSON
        pass
    raise UnfitCursor
