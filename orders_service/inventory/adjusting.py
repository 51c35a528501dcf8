"""Stock comes in, is lost or is counted anew: a change with its reason, made once however often it is sent."""

from dataclasses import dataclass, replace

from orders_service import audit
from orders_service.idempotency import Answer, OnceKey, recall, remember
from orders_service.inventory import queries
from orders_service.inventory.announcing import ProductEvent, announce
from orders_service.inventory.changing import sold
from orders_service.inventory.errors import NotEnoughStock
from orders_service.inventory.moving import note_movement
from orders_service.inventory.schemas import MOST_AVAILABLE, AdjustedProduct, ProductView, StockAdjustment
from orders_service.preconditions import Preconditions
from pipelines import Transaction

DONE = 200


@dataclass(frozen=True, slots=True)
class Adjusted:
    """What is answered; the tag of what is shown, unless it was answered before and may be another one now."""

    answer: Answer
    etag: str | None = None


def adjust_stock(
    tx: Transaction, sku: str, adjustment: StockAdjustment, once: OnceKey, *, only_if: Preconditions, note: audit.Note
) -> Adjusted:
    """Change what is available. A repeated request is answered as before, whatever has changed since.

    Raises `NoSuchProduct`, `PreconditionFailed`, `NotEnoughStock`, or `ProductMoved` when it is to be called again.
    """
    if earlier := recall(tx, once, adjustment):
        return Adjusted(earlier)
    product = sold(tx, sku)
    only_if.check(product.etag)
    left = product.available + adjustment.change
    if not 0 <= left <= MOST_AVAILABLE:
        raise NotEnoughStock(product.available, adjustment.change)
    after = replace(product, available=left, version=product.version + 1, updated_at=tx.home.clock.now())
    queries.change(tx, product, after)
    movement = note_movement(tx, sku, adjustment.change, reason=adjustment.reason, actor=note.actor)
    said = adjustment.model_dump(mode="json")
    audit.record(tx, note, before={"available": product.available}, after={"available": left, **said})
    view = ProductView.of(after)
    announce(tx, ProductEvent.STOCK_ADJUSTED, view, change=adjustment.change, reason=adjustment.reason)
    answer = Answer(DONE, AdjustedProduct(**view.model_dump(), movement=movement).model_dump_json())
    return Adjusted(remember(tx, once, adjustment, answer), after.etag)
