"""The SQL of this slice."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import bindparam, delete, insert, select, update
from sqlmodel import col

from orders_service.inventory.errors import OutOfStock
from orders_service.inventory.tables import Product, Stock, StockHold
from orders_service.money import Money
from pipelines import ReadSession, Transaction

_PRICES = select(col(Product.sku), col(Product.price_amount), col(Product.price_currency)).where(
    col(Product.sku).in_(bindparam("skus", expanding=True))
)
_AVAILABLE = select(col(Stock.sku), col(Stock.available)).where(col(Stock.sku).in_(bindparam("skus", expanding=True)))
_HELD = select(col(StockHold.sku), col(StockHold.quantity)).where(col(StockHold.order_id) == bindparam("order_id"))
_TAKE = (
    update(Stock)
    .where(col(Stock.sku) == bindparam("of"), col(Stock.available) >= bindparam("taken"))
    .values(available=col(Stock.available) - bindparam("taken"), reserved=col(Stock.reserved) + bindparam("taken"))
)
_GIVE_BACK = (
    update(Stock)
    .where(col(Stock.sku) == bindparam("of"))
    .values(available=col(Stock.available) + bindparam("given"), reserved=col(Stock.reserved) - bindparam("given"))
)
_HOLD = insert(StockHold)
_LET_GO = delete(StockHold).where(col(StockHold.order_id) == bindparam("order_id"))

_NAMES = select(col(Product.sku), col(Product.name)).where(col(Product.sku).in_(bindparam("skus", expanding=True)))
_SHELF = (
    select(col(Product.sku), col(Product.name), col(Stock.available), col(Stock.reserved))
    .join(Stock, col(Stock.sku) == col(Product.sku))
    .where(col(Product.sku) > bindparam("after"))
    .order_by(col(Product.sku))
    .limit(bindparam("most"))
)


def prices(tx: Transaction, skus: Sequence[str]) -> dict[str, Money]:
    """What is sold, at which price; read once per batch, since nothing in a batch changes it before its end."""
    asked = [sku for sku in skus if ("price", sku) not in tx.noted]
    if asked:
        for sku, amount, currency in tx.core.execute(_PRICES, {"skus": asked}):
            tx.noted["price", sku] = Money(amount=amount, currency=currency)
    return {sku: tx.noted["price", sku] for sku in skus if ("price", sku) in tx.noted}


def available(tx: Transaction, skus: Sequence[str]) -> dict[str, int]:
    """How many there were before this batch took any."""
    asked = [sku for sku in skus if ("available", sku) not in tx.noted]
    if asked:
        for sku, count in tx.core.execute(_AVAILABLE, {"skus": asked}):
            tx.noted["available", sku] = count
    return {sku: tx.noted.get(("available", sku), 0) for sku in skus}


def take(tx: Transaction, order_id: UUID, sku: str, quantity: int) -> None:
    """Hold so many for the order; refused as `OutOfStock` if somebody was quicker."""
    tx.defer(_TAKE, {"of": sku, "taken": quantity}, otherwise=OutOfStock([sku]))
    tx.defer(_HOLD, {"order_id": order_id, "sku": sku, "quantity": quantity})


def give_back(tx: Transaction, order_id: UUID) -> None:
    """Whatever is held for the order is available again."""
    held = tx.execute(_HELD, {"order_id": order_id}).all()
    if held:
        tx.execute(_LET_GO, {"order_id": order_id})
    for sku, quantity in held:
        tx.defer(_GIVE_BACK, {"of": sku, "given": quantity})


def add(tx: Transaction, product: Product, available: int) -> None:
    """A new product, with its stock."""
    tx.add(product)
    tx.add(Stock(sku=product.sku, available=available))


def names(session: ReadSession, skus: Sequence[str]) -> dict[str, str]:
    return {sku: name for sku, name in session.execute(_NAMES, {"skus": skus})}  # noqa: C416 - a row is no tuple to mypy


def shelf(session: ReadSession, after: str, most: int) -> list[tuple[str, str, int, int]]:
    """SKU, name, available, reserved."""
    rows = session.execute(_SHELF, {"after": after, "most": most})
    return [(sku, name, available, reserved) for sku, name, available, reserved in rows]
