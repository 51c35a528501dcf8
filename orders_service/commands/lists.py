"""Long lists, fetched page by page."""

from collections.abc import Sequence
from typing import Any

from orders_service.client import Client
from orders_service.commands.showing import note

LARGEST_PAGE = 200


def newest(client: Client, path: str, *, most: int, **query: str | Sequence[str]) -> dict[str, Any]:
    """As the service gives a page, of any length; `next` is where it would go on."""
    items: list[Any] = []
    cursor: dict[str, str] = {}
    while True:
        size = str(min(most - len(items), LARGEST_PAGE))
        page = client.get(path, **query, **cursor, limit=size)
        items += page["items"]
        if page["next"] is None or len(items) >= most:
            return {"items": items, "next": page["next"]}
        cursor = {"cursor": page["next"]}


def say_if_there_is_more(page: dict[str, Any]) -> None:
    """To people; programs see `next`."""
    if page["next"] is not None:
        note(f"There are more than these {len(page['items'])}: see --limit.")
