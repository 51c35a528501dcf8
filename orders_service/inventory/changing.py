"""A product is put into the catalog, changed there, or taken out of it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from orders_service import audit
from orders_service.inventory import queries
from orders_service.inventory.announcing import ProductEvent, announce
from orders_service.inventory.errors import NoSuchProduct
from orders_service.inventory.moving import note_movement, shelve
from orders_service.inventory.schemas import ProductDraft, ProductView
from orders_service.inventory.shelved import Shelved
from orders_service.preconditions import Preconditions
from pipelines import Transaction

_AUDITED = {"name", "price", "available"}


@dataclass(frozen=True, slots=True)
class Put:
    """What became of a PUT."""

    product: ProductView
    etag: str
    is_new: bool = False


def put_product(tx: Transaction, sku: str, draft: ProductDraft, only_if: Preconditions, note: audit.Note) -> Put:
    """Create or replace. Raises `PreconditionFailed`, or `ProductMoved` when it is to be called again.

    `available` is what there is when this is read: an order that takes some at the same moment takes them from that.
    """
    found = queries.product(tx, sku)
    shown = found if found is not None and found.removed_at is None else None
    only_if.check(shown.etag if shown is not None else None)
    if shown is not None:
        return _replace(tx, shown, draft, note)
    if found is not None:
        product = _changed(tx, found, draft)
        note_movement(tx, sku, product.available - found.available, reason="product created again", actor=note.actor)
    else:
        product = shelve(tx, sku, draft, reason="product created", actor=note.actor)
    view = ProductView.of(product)
    audit.record(tx, replace(note, action="product_created"), after=_audited(view))
    announce(tx, ProductEvent.CREATED, view)
    return Put(view, product.etag, is_new=True)


def delete_product(tx: Transaction, sku: str, only_if: Preconditions, note: audit.Note) -> None:
    """It is not sold any more. Its row stays, and its stock: open orders get what is held for them, or give it back.

    Raises `NoSuchProduct`, `PreconditionFailed`, or `ProductMoved` when it is to be called again.
    """
    product = sold(tx, sku)
    only_if.check(product.etag)
    now = tx.home.clock.now()
    queries.change(tx, product, replace(product, version=product.version + 1, updated_at=now, removed_at=now))
    view = ProductView.of(product)
    audit.record(tx, note, before=_audited(view))
    announce(tx, ProductEvent.DELETED, view)


def sold(tx: Transaction, sku: str) -> Shelved:
    """Raises `NoSuchProduct` for one that never was and for one that was removed alike."""
    product = queries.product(tx, sku)
    if product is None or product.removed_at is not None:
        raise NoSuchProduct
    return product


def _replace(tx: Transaction, shown: Shelved, draft: ProductDraft, note: audit.Note) -> Put:
    if (shown.name, shown.price, shown.available) == (draft.name, draft.price, draft.available):
        return Put(ProductView.of(shown), shown.etag)  # said again: nothing changes, and nobody needs to know
    product = _changed(tx, shown, draft)
    note_movement(tx, shown.sku, product.available - shown.available, reason="product replaced", actor=note.actor)
    view = ProductView.of(product)
    before, after = _audited(ProductView.of(shown)), _audited(view)
    differing = {name for name in _AUDITED if before[name] != after[name]}
    audit.record(tx, note, before=_only(before, differing), after=_only(after, differing))
    announce(tx, ProductEvent.UPDATED, view)
    return Put(view, product.etag)


def _changed(tx: Transaction, before: Shelved, draft: ProductDraft) -> Shelved:
    after = replace(
        before,
        name=draft.name,
        price_amount=draft.price.amount,
        price_currency=draft.price.currency,
        available=draft.available,
        version=before.version + 1,
        updated_at=tx.home.clock.now(),
        removed_at=None,
    )
    queries.change(tx, before, after)
    return after


def _audited(view: ProductView) -> dict[str, Any]:
    return view.model_dump(mode="json", include=_AUDITED)


def _only(values: Mapping[str, Any], names: set[str]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name in names}
