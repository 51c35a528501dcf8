"""An order is accepted: priced, stored, its fulfillment started and its answer remembered, in one transaction."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from orders_service import inventory
from orders_service.idempotency import Answer, OnceKey, recall, remember
from orders_service.ids import new_id
from orders_service.money import LARGEST_AMOUNT, Money
from orders_service.orders import queries
from orders_service.orders.announcing import announce_accepted
from orders_service.orders.errors import MixedCurrencies, TotalTooLarge
from orders_service.orders.fulfilling import fulfill_order
from orders_service.orders.placed import PlacedOrder
from orders_service.orders.schemas import OrderDraft, OrderStatus, OrderView, PricedItem
from orders_service.run_links import RunLink
from pipelines import Priority, Transaction, start

CREATED = 201


@dataclass(frozen=True, slots=True)
class Placed:
    """Which order it is, and what its client is answered."""

    order_id: str
    run_id: str
    answer: Answer


def place_order(tx: Transaction, draft: OrderDraft, once: OnceKey, principal: str) -> Placed:
    """Order, lines, run and remembered answer: all on disk, or none."""
    if earlier := recall(tx, once, draft):
        shown = json.loads(earlier.body)
        return Placed(shown["id"], shown["run"]["id"], earlier)
    placed, run_id = _accept(tx, draft, principal, Priority.NORMAL)
    answer = Answer(CREATED, view_of_new(placed, run_id).model_dump_json())
    return Placed(str(placed.id), str(run_id), remember(tx, once, draft, answer))


def place_imported(tx: Transaction, draft: OrderDraft, principal: str) -> UUID:
    """An order out of a file, like one that was posted; those for whose answer somebody waits go before it."""
    placed, _ = _accept(tx, draft, principal, Priority.LOW)
    return placed.id


def _accept(tx: Transaction, draft: OrderDraft, principal: str, priority: Priority) -> tuple[PlacedOrder, UUID]:
    prices = inventory.prices_of(tx, [item.sku for item in draft.items])
    total = total_of(draft, prices)
    items = tuple(PricedItem(sku=item.sku, quantity=item.quantity, price=prices[item.sku]) for item in draft.items)
    placed = PlacedOrder(
        id=new_id(),
        customer_email=draft.customer_email,
        items=items,
        total=total,
        shipping_address=draft.shipping_address,
        placed_at=tx.home.clock.now(),
        principal=principal,
    )
    run_id = start(tx, fulfill_order, placed, priority=priority)
    _store(tx, placed, run_id, principal)
    announce_accepted(tx, placed)
    return placed, run_id


def total_of(draft: OrderDraft, prices: Mapping[str, Money]) -> Money:
    """Integers only; what does not fit or does not add up is refused."""
    currencies = {prices[item.sku].currency for item in draft.items}
    if len(currencies) > 1:
        raise MixedCurrencies(sorted(currencies))
    amount = sum(prices[item.sku].amount * item.quantity for item in draft.items)
    if amount > LARGEST_AMOUNT:
        raise TotalTooLarge
    return Money(amount=amount, currency=currencies.pop())


def _store(tx: Transaction, placed: PlacedOrder, run_id: UUID, principal: str) -> None:
    order = {
        "id": placed.id,
        "principal": principal,
        "customer_email": placed.customer_email,
        "total_amount": placed.total.amount,
        "total_currency": placed.total.currency,
        "shipping_address": placed.shipping_address.model_dump(),
        "created_at": placed.placed_at,
        "run_id": run_id,
    }
    lines = (
        {
            "order_id": placed.id,
            "sku": item.sku,
            "place": place,
            "quantity": item.quantity,
            "price_amount": item.price.amount,
        }
        for place, item in enumerate(placed.items)
    )
    queries.add(tx, order, lines)


def view_of_new(placed: PlacedOrder, run_id: UUID) -> OrderView:
    return OrderView(
        id=placed.id,
        status=OrderStatus.PENDING,
        customer_email=placed.customer_email,
        items=placed.items,
        total=placed.total,
        shipping_address=placed.shipping_address,
        created_at=placed.placed_at,
        run=RunLink.to(run_id),
    )
