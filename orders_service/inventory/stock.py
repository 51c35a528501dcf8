"""Pricing what is asked for, holding it, and giving it back."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from orders_service.inventory import queries
from orders_service.inventory.errors import OutOfStock, UnknownProduct
from orders_service.money import Money
from pipelines import Transaction


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


def reserve(tx: Transaction, order_id: UUID, lines: Sequence[Line]) -> None:
    """Hold all lines, or none. Looks first: an empty shelf costs its batch nothing; the guard is for the race."""
    free = queries.available(tx, [line.sku for line in lines])
    if short := [line.sku for line in lines if free[line.sku] < line.quantity]:
        raise OutOfStock(short)
    for line in lines:
        queries.take(tx, order_id, line.sku, line.quantity)


def ship(tx: Transaction, order_id: UUID) -> None:
    """What is held for the order has left the house; nothing held, nothing to do."""
    queries.take_out(tx, order_id)


def release(tx: Transaction, order_id: UUID) -> None:
    """Give back what is held for the order; nothing held, nothing to do."""
    queries.give_back(tx, order_id)
