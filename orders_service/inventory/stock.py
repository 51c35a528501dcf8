"""Pricing what is asked for, holding it, and what becomes of what is held: given back, or shipped."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from orders_service.inventory import queries
from orders_service.inventory.errors import OutOfStock, UnknownProduct
from orders_service.money import Money
from pipelines import ReadSession, Transaction

HELD_FOR = timedelta(hours=24)  # longer than any outage of mail and warehouse that their retries outlast


class Line(Protocol):
    """So many of one product."""

    @property
    def sku(self) -> str: ...

    @property
    def quantity(self) -> int: ...


def prices_of(tx: Transaction, skus: Sequence[str]) -> dict[str, Money]:
    """The price of each. Raises `UnknownProduct` with all that are not in the catalog."""
    prices = prices_on_sale(tx, skus)
    if unknown := [place for place, sku in enumerate(skus) if sku not in prices]:
        raise UnknownProduct(unknown)
    return prices


def prices_on_sale(tx: Transaction, skus: Sequence[str]) -> dict[str, Money]:
    """The price of each that is in the catalog."""
    return queries.prices(tx, skus)


def exists(session: ReadSession | Transaction, sku: str) -> bool:
    """Whether this product is in the catalog."""
    return queries.exists(session, sku)


def reserve(tx: Transaction, order_id: UUID, lines: Sequence[Line]) -> None:
    """Hold all lines, or none. Looks first: an empty shelf costs its batch nothing; the guard is for the race.

    The hold expires, unless `keep` makes it firm.
    """
    free = queries.available(tx, [line.sku for line in lines])
    if short := [line.sku for line in lines if free[line.sku] < line.quantity]:
        raise OutOfStock(short)
    expires_at = tx.home.clock.now() + HELD_FOR
    for line in lines:
        queries.take(tx, order_id, line.sku, line.quantity, expires_at)


def release(tx: Transaction, order_id: UUID) -> None:
    """Give back what is held for the order; nothing held, nothing to do.

    Fails with `HoldMoved` when somebody else gives back or ships the same at this moment: call it again.
    """
    queries.give_back(tx, order_id)


def ship(tx: Transaction, order_id: UUID) -> None:
    """What was held for the order has left the house. Nothing held, nothing to do: it may be called again.

    Fails with `HoldMoved` as `release` does.
    """
    queries.use_up(tx, order_id)


def keep(tx: Transaction, order_id: UUID) -> None:
    """The warehouse has accepted the order: what is held for it does not expire any more."""
    queries.make_firm(tx, order_id)


def prolong(tx: Transaction, order_id: UUID) -> None:
    """What is held for the order, and is not firm, expires as if it had been reserved now."""
    queries.prolong(tx, order_id, tx.home.clock.now() + HELD_FOR)


def expired_holds(tx: ReadSession | Transaction, moment: datetime, *, most: int) -> list[UUID]:
    """For which orders something is held that has expired by then, the oldest first."""
    return queries.expired(tx, moment, most)
