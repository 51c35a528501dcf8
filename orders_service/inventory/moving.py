"""A product and its stock are changed by a person: each change is a version, and what came or went is written down."""

from collections.abc import Callable
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from orders_service.ids import new_id
from orders_service.inventory import queries
from orders_service.inventory.errors import ProductMoved
from orders_service.inventory.schemas import MovementView
from orders_service.inventory.shelved import Shelved
from orders_service.money import Money
from pipelines import Process, Transaction

P = ParamSpec("P")
R = TypeVar("R")

MOST_TRIES = 100


class Offer(Protocol):
    """What a product is to be."""

    @property
    def name(self) -> str: ...

    @property
    def price(self) -> Money: ...

    @property
    def available(self) -> int: ...


async def insist(
    process: Process, function: Callable[Concatenate[Transaction, P], R], *args: P.args, **kwargs: P.kwargs
) -> R:
    """Write; when others changed the product between its reading and its writing, read it again. Else the last wins."""
    for _ in range(MOST_TRIES - 1):
        try:
            return await process.write(function, *args, **kwargs)
        except ProductMoved:
            continue
    return await process.write(function, *args, **kwargs)


def shelve(tx: Transaction, sku: str, offer: Offer, *, reason: str, actor: str) -> Shelved:
    """A product that there never was."""
    price = offer.price
    new = Shelved(
        sku=sku,
        name=offer.name,
        price_amount=price.amount,
        price_currency=price.currency,
        available=offer.available,
        updated_at=tx.home.clock.now(),
    )
    queries.add(tx, new)
    note_movement(tx, sku, offer.available, reason=reason, actor=actor)
    return new


def note_movement(tx: Transaction, sku: str, change: int, *, reason: str, actor: str) -> MovementView:
    """So that what came, less what went, is what there is: available, reserved and consumed together."""
    movement = MovementView(id=new_id(), at=tx.home.clock.now(), change=change, reason=reason, actor=actor)
    if change:
        queries.add_movement(tx, {"id": movement.id, "sku": sku, **movement.model_dump(exclude={"id"})})
    return movement
