"""Which rows come first, and which are left out."""

import heapq
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from orders_service.reports.contents import MOST_ROWS

Row = TypeVar("Row")


def first_of(rows: Iterable[Row], key: Callable[[Row], Any], *, most: int = MOST_ROWS) -> tuple[Row, ...]:
    """The smallest, in order."""
    return tuple(heapq.nsmallest(most, rows, key=key))
