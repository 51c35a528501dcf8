"""The SQL of this slice."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from itertools import count
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, delete, func, insert, or_, select, update
from sqlmodel import col

from orders_service.inventory.errors import HoldMoved, OutOfStock, ProductMoved
from orders_service.inventory.shelved import Shelved
from orders_service.inventory.tables import Product, Stock, StockHold, StockMovement
from orders_service.money import Money
from pipelines import ReadSession, Transaction

_PRICES = select(col(Product.sku), col(Product.price_amount), col(Product.price_currency)).where(
    col(Product.sku).in_(bindparam("skus", expanding=True)), col(Product.removed_at).is_(None)
)
_AVAILABLE = select(col(Stock.sku), col(Stock.available)).where(col(Stock.sku).in_(bindparam("skus", expanding=True)))
_HELD = (
    select(col(StockHold.sku), col(StockHold.quantity))
    .where(col(StockHold.order_id) == bindparam("order_id"))
    .order_by(col(StockHold.sku))
)
# One statement for whatever moves: a batch then takes its rows of stock in one order, that of the SKUs, and no two
# processes wait for each other in a circle.
_MOVE = (
    update(Stock)
    .where(
        col(Stock.sku) == bindparam("of"),
        col(Stock.available) + bindparam("free") >= 0,
        col(Stock.reserved) + bindparam("held") >= 0,
    )
    .values(
        available=col(Stock.available) + bindparam("free"),
        reserved=col(Stock.reserved) + bindparam("held"),
        consumed=col(Stock.consumed) + bindparam("used"),
    )
)
_HOLD = insert(StockHold)
# Guarded line by line: whoever reads a hold that somebody else is giving back or shipping comes too late. Deferred, as
# all that locks rows here is: before stock they would be locked out of order.
_LET_GO = delete(StockHold).where(
    col(StockHold.order_id) == bindparam("held_for"), col(StockHold.sku) == bindparam("of")
)
_MAKE_FIRM = update(StockHold).where(col(StockHold.order_id) == bindparam("held_for")).values(expires_at=None)
_PROLONG = (
    update(StockHold)
    .where(col(StockHold.order_id) == bindparam("held_for"), col(StockHold.expires_at).is_not(None))
    .values(expires_at=bindparam("until"))
)
_EXPIRED = (
    select(col(StockHold.order_id))
    .where(col(StockHold.expires_at) <= bindparam("moment"))
    .group_by(col(StockHold.expires_at), col(StockHold.order_id))  # in the order of the index: the rest is not read
    .order_by(col(StockHold.expires_at), col(StockHold.order_id))
    .limit(bindparam("most"))
)

_SHELVED = select(
    col(Product.sku),
    col(Product.name),
    col(Product.price_amount),
    col(Product.price_currency),
    col(Product.version),
    col(Product.updated_at),
    col(Product.removed_at),
    func.coalesce(col(Stock.available), 0).label("available"),
    func.coalesce(col(Stock.reserved), 0).label("reserved"),
    func.coalesce(col(Stock.consumed), 0).label("consumed"),
).outerjoin(Stock, col(Stock.sku) == col(Product.sku))
_ONE = _SHELVED.where(col(Product.sku) == bindparam("of"))
_ON_SALE = _SHELVED.where(col(Product.removed_at).is_(None)).order_by(col(Product.sku)).limit(bindparam("most"))
_ON_SALE_AFTER = _ON_SALE.where(col(Product.sku) > bindparam("after"))
_KNOWN = select(col(Product.sku)).where(col(Product.sku).in_(bindparam("skus", expanding=True)))
_ADD_PRODUCT, _ADD_STOCK, _ADD_MOVEMENT = insert(Product), insert(Stock), insert(StockMovement)
_CHANGE = (
    update(Product)
    .where(col(Product.sku) == bindparam("of"), col(Product.version) == bindparam("seen"))
    .values(
        name=bindparam("called"),
        price_amount=bindparam("amount"),
        price_currency=bindparam("currency"),
        version=bindparam("seen") + 1,
        updated_at=bindparam("changed_at"),
        removed_at=bindparam("gone_at"),
    )
)
_MOVEMENTS = (
    select(StockMovement)
    .where(col(StockMovement.sku) == bindparam("of"))
    .order_by(col(StockMovement.id).desc())
    .limit(bindparam("most"))
)
_NAMES = select(col(Product.sku), col(Product.name)).where(col(Product.sku).in_(bindparam("skus", expanding=True)))
_SHELF = (
    select(col(Product.sku), col(Product.name), col(Stock.available), col(Stock.reserved))
    .join(Stock, col(Stock.sku) == col(Product.sku))
    .where(col(Product.sku) > bindparam("after"))
    .order_by(col(Product.sku))
    .limit(bindparam("most"))
)
_HAVE_COME = select(func.sum(StockMovement.change)).where(col(StockMovement.sku) == col(Stock.sku)).scalar_subquery()
_ARE_HELD = select(func.sum(StockHold.quantity)).where(col(StockHold.sku) == col(Stock.sku)).scalar_subquery()
_UNBALANCED = (
    select(col(Stock.sku))
    .where(
        or_(
            col(Stock.available) + col(Stock.reserved) + col(Stock.consumed) != func.coalesce(_HAVE_COME, 0),
            col(Stock.reserved) != func.coalesce(_ARE_HELD, 0),
        )
    )
    .order_by(col(Stock.sku))
)


def unbalanced(session: ReadSession) -> list[str]:
    """The products of which more or fewer are there than have come, or held than orders hold. It reads all of them."""
    return list(session.execute(_UNBALANCED).scalars())


def prices(tx: Transaction, skus: Sequence[str]) -> dict[str, Money]:
    """What is sold, at which price; read once per batch, since nothing in a batch changes it before its end."""
    asked = [sku for sku in skus if ("price", sku) not in tx.noted]
    if asked:
        for sku, amount, currency in tx.core.execute(_PRICES, {"skus": asked}):
            tx.noted["price", sku] = Money(amount=amount, currency=currency)
    return {sku: tx.noted["price", sku] for sku in skus if ("price", sku) in tx.noted}


def exists(session: ReadSession | Transaction, sku: str) -> bool:
    return session.execute(_PRICES, {"skus": [sku]}).first() is not None


def available(tx: Transaction, skus: Sequence[str]) -> dict[str, int]:
    """How many there were before this batch took any."""
    asked = [sku for sku in skus if ("available", sku) not in tx.noted]
    if asked:
        for sku, free in tx.core.execute(_AVAILABLE, {"skus": asked}):
            tx.noted["available", sku] = free
    return {sku: tx.noted.get(("available", sku), 0) for sku in skus}


def take(tx: Transaction, order_id: UUID, sku: str, quantity: int, expires_at: datetime) -> None:
    """Hold so many for the order; refused as `OutOfStock` if somebody was quicker."""
    _move(tx, sku, free=-quantity, held=quantity, otherwise=OutOfStock([sku]))
    tx.defer(_HOLD, {"order_id": order_id, "sku": sku, "quantity": quantity, "expires_at": expires_at})


def give_back(tx: Transaction, order_id: UUID) -> None:
    """Whatever is held for the order is available again."""
    for sku, quantity in _let_go(tx, order_id):
        _move(tx, sku, free=quantity, held=-quantity, otherwise=HoldMoved())


def use_up(tx: Transaction, order_id: UUID) -> None:
    """Whatever is held for the order has left the house."""
    for sku, quantity in _let_go(tx, order_id):
        _move(tx, sku, held=-quantity, used=quantity, otherwise=HoldMoved())


def _let_go(tx: Transaction, order_id: UUID) -> Sequence[Any]:
    held = tx.core.execute(_HELD, {"order_id": order_id}).all()
    for sku, _ in held:
        tx.defer(_LET_GO, {"held_for": order_id, "of": sku}, otherwise=HoldMoved())
    return held


def _move(tx: Transaction, sku: str, *, free: int = 0, held: int = 0, used: int = 0, otherwise: Exception) -> None:
    tx.defer(_MOVE, {"of": sku, "free": free, "held": held, "used": used}, otherwise=otherwise)


def make_firm(tx: Transaction, order_id: UUID) -> None:
    tx.defer(_MAKE_FIRM, {"held_for": order_id})


def prolong(tx: Transaction, order_id: UUID, until: datetime) -> None:
    """What is firm stays firm."""
    tx.defer(_PROLONG, {"held_for": order_id, "until": until})


def expired(session: ReadSession | Transaction, moment: datetime, most: int) -> list[UUID]:
    """For which orders something is held that has expired, the oldest first."""
    return list(session.execute(_EXPIRED, {"moment": moment, "most": most}).scalars())


def product(tx: Transaction, sku: str) -> Shelved | None:
    """The product as this batch will leave it; one that was removed is there too."""
    if (pending := _pending(tx, sku)) is not None:
        return pending
    return _shelved(tx.core.execute(_ONE, {"of": sku}).mappings().one_or_none())


def find(session: ReadSession, sku: str) -> Shelved | None:
    """The product as it is; one that was removed is there too."""
    return _shelved(session.execute(_ONE, {"of": sku}).mappings().one_or_none())


def on_sale(session: ReadSession | Transaction, after: str | None, most: int) -> list[Shelved]:
    """Products in the order of their SKUs."""
    statement, place = (_ON_SALE, {}) if after is None else (_ON_SALE_AFTER, {"after": after})
    rows = session.connection().execute(statement, {**place, "most": most})
    return [Shelved(**row) for row in rows.mappings()]


def known(tx: Transaction, skus: Sequence[str]) -> set[str]:
    """Those that there are, or were once."""
    return set(tx.execute(_KNOWN, {"skus": list(skus)}).scalars())


def add(tx: Transaction, new: Shelved) -> None:
    """A new product, with its stock."""
    row = asdict(new)
    stock = {"sku": row["sku"], **{name: row.pop(name) for name in ("available", "reserved", "consumed")}}
    tx.defer(_ADD_PRODUCT, row)
    tx.defer(_ADD_STOCK, stock)
    _note_pending(tx, new)


def change(tx: Transaction, before: Shelved, after: Shelved) -> None:
    """The next version of the product; refused as `ProductMoved` if somebody was quicker."""
    moved = ProductMoved(before.sku)
    row = {
        "of": before.sku,
        "seen": before.version,
        "called": after.name,
        "amount": after.price_amount,
        "currency": after.price_currency,
        "changed_at": after.updated_at,
        "gone_at": after.removed_at,
    }
    tx.defer(_CHANGE, row, otherwise=moved)
    if after.available != before.available:
        _move(tx, before.sku, free=after.available - before.available, otherwise=moved)
    _note_pending(tx, after)


def add_movement(tx: Transaction, movement: dict[str, Any]) -> None:
    tx.defer(_ADD_MOVEMENT, movement)


def movements(session: ReadSession, sku: str, before: UUID | None, most: int) -> list[StockMovement]:
    """Newest first."""
    statement = _MOVEMENTS if before is None else _MOVEMENTS.where(col(StockMovement.id) < before)
    return list(session.execute(statement, {"of": sku, "most": most}).scalars())


def names(session: ReadSession, skus: Sequence[str]) -> dict[str, str]:
    return {sku: name for sku, name in session.execute(_NAMES, {"skus": skus})}  # noqa: C416 - a row is no tuple to mypy


def shelf(session: ReadSession, after: str, most: int) -> list[tuple[str, str, int, int]]:
    """SKU, name, available, reserved."""
    rows = session.execute(_SHELF, {"after": after, "most": most})
    return [(sku, name, available, reserved) for sku, name, available, reserved in rows]


def _shelved(row: Any) -> Shelved | None:
    return Shelved(**row) if row is not None else None


def _note_pending(tx: Transaction, product: Shelved) -> None:
    """Under a name of its own each time: what a member that fails has noted is taken back by number."""
    tx.noted["product", product.sku, _changes(tx, product.sku)] = product


def _pending(tx: Transaction, sku: str) -> Shelved | None:
    """What a sibling of this batch has made of it."""
    latest: Shelved | None = tx.noted.get(("product", sku, _changes(tx, sku) - 1))
    return latest


def _changes(tx: Transaction, sku: str) -> int:
    return next(number for number in count() if ("product", sku, number) not in tx.noted)
