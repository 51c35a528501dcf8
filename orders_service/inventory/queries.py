"""The SQL of this slice."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import bindparam, delete, insert, select, update
from sqlmodel import col

from orders_service.inventory.errors import OutOfStock
from orders_service.inventory.tables import Product, Stock, StockHold
from orders_service.money import Money
from pipelines import ReadSession, Transaction

_PRICES = select(Product.sku, Product.price_amount, Product.price_currency).where(
    col(Product.sku).in_(bindparam("skus", expanding=True))
)
_AVAILABLE = select(Stock.sku, Stock.available).where(col(Stock.sku).in_(bindparam("skus", expanding=True)))
_HELD = select(StockHold.sku, StockHold.quantity).where(col(StockHold.order_id) == bindparam("order_id"))
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
_IS_EMPTY = select(Product.sku).limit(1)


def prices(tx: Transaction, skus: Sequence[str]) -> dict[str, Money]:
    """What is sold, at which price; read once per batch, since nothing in a batch changes it before its end."""
    asked = [sku for sku in skus if ("price", sku) not in tx.noted]
    if asked:
        for sku, amount, currency in tx.execute(_PRICES, {"skus": asked}):
            tx.noted["price", sku] = Money(amount=amount, currency=currency)
    return {sku: tx.noted["price", sku] for sku in skus if ("price", sku) in tx.noted}


def available(tx: Transaction, skus: Sequence[str]) -> dict[str, int]:
    """How many there were before this batch took any."""
    asked = [sku for sku in skus if ("available", sku) not in tx.noted]
    if asked:
        for sku, count in tx.execute(_AVAILABLE, {"skus": asked}):
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


def is_empty(session: ReadSession) -> bool:
    """Whether nothing is sold yet."""
    return session.execute(_IS_EMPTY).first() is None


def add(tx: Transaction, product: Product, available: int) -> None:
    """A new product, with its stock."""
    tx.defer(insert_product, product.model_dump())
    tx.defer(insert_stock, {"sku": product.sku, "available": available, "reserved": 0})


insert_product = insert(Product)
insert_stock = insert(Stock)


def all_products(session: ReadSession) -> Iterable[tuple[Product, int]]:
    """The catalog, with what is available."""
    return session.execute(_CATALOG).tuples().all()


_CATALOG = select(Product, Stock.available).join(Stock, col(Stock.sku) == col(Product.sku)).order_by(col(Product.sku))
