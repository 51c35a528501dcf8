"""Lists in pages: a cursor that only we can read, bound to the filter under which it was given."""

import base64
import json
from typing import Annotated, Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

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


def cursor_after(last: UUID, *, under: str) -> str:
    """Go on after this item, under this filter."""
    return base64.urlsafe_b64encode(json.dumps([str(last), under]).encode()).decode().rstrip("=")


def place_of(cursor: str | None, *, under: str) -> UUID | None:
    """Where to go on. Raises `UnfitCursor`."""
    if cursor is None:
        return None
    try:
        match json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))):
            case [str(last), str(filter_then)] if filter_then == under:
                return UUID(last)
    except (ValueError, RecursionError):  # neither base64, nor JSON, nor an id
        pass
    raise UnfitCursor
