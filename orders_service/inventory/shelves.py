"""What is on the shelves, for whoever counts it: read in pages, since a catalog may be long."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from orders_service.inventory import queries
from pipelines import ReadSession

_AT_ONCE = 500


class ShelfRow(NamedTuple):
    """How many of one product may still be sold, and how many are held for orders."""

    sku: str
    name: str
    available: int
    reserved: int


def shelf_rows(session: ReadSession) -> Iterator[ShelfRow]:
    """All that is in the catalog; a page of it in memory at a time."""
    after = ""
    while page := queries.shelf(session, after, _AT_ONCE):
        yield from (ShelfRow(*row) for row in page)
        after = page[-1][0]


def names_of(session: ReadSession, skus: Sequence[str]) -> dict[str, str]:
    """What each is called; what has left the catalog is missing."""
    names: dict[str, str] = {}
    for start in range(0, len(skus), _AT_ONCE):
        names |= queries.names(session, skus[start : start + _AT_ONCE])
    return names
