"""What was sold, and when: sums over the orders of some time, in parts that are quick to read.

Sold is what the warehouse has accepted: the orders that are completed, shipped or delivered. Rejected, failed and
cancelled ones are not, nor are those still on their way. An order belongs to the moment at which it was placed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from orders_service.ids import first_id_at
from orders_service.orders import sales_queries
from pipelines import ReadSession

MOST_AT_ONCE = 5000  # orders: each statement ends soon, whatever there is in a day
_APART = timedelta(minutes=1)  # an order's id and its time are made one after the other


@dataclass(frozen=True, slots=True)
class Part:
    """Some orders that follow each other."""

    low: UUID
    high: UUID
    since: datetime
    until: datetime

    @property
    def bound(self) -> dict[str, UUID | datetime]:
        """As statements ask for it."""
        return {"low": self.low, "high": self.high, "since": self.since, "until": self.until}


class Sales(NamedTuple):
    """So many orders, worth so much in one currency."""

    currency: str
    orders: int
    amount: int


class ProductSales(NamedTuple):
    """So many units of one product, for so much in one currency."""

    sku: str
    currency: str
    units: int
    amount: int


class CustomerSales(NamedTuple):
    """What one customer has ordered in one currency."""

    email: str
    currency: str
    orders: int
    amount: int


def parts_of(session: ReadSession, since: datetime, until: datetime) -> Iterator[Part]:
    """The orders that were placed from `since` until before `until`, one part at least."""
    low, end = first_id_at(since - _APART), first_id_at(until + _APART)
    while (high := sales_queries.boundary(session, low, end, MOST_AT_ONCE)) is not None:
        yield Part(low, high, since, until)
        low = high
    yield Part(low, end, since, until)


def sales_in(session: ReadSession, part: Part) -> list[Sales]:
    """What was sold, by currency."""
    return [Sales(*row) for row in sales_queries.sold_by_currency(session, part.bound)]


def sales_by_product(session: ReadSession, part: Part) -> list[ProductSales]:
    """The same, by product."""
    return [ProductSales(*row) for row in sales_queries.sold_by_product(session, part.bound)]


def sales_by_customer(session: ReadSession, part: Part) -> list[CustomerSales]:
    """The same, by the address of the customer."""
    return [CustomerSales(*row) for row in sales_queries.sold_by_customer(session, part.bound)]
