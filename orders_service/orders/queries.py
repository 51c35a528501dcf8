"""The SQL of this slice."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, bindparam, func, insert, select, update
from sqlalchemy.orm import Mapped
from sqlmodel import col

from orders_service.orders.tables import Order, OrderLine
from pipelines import ReadSession, Transaction

_INSERT = insert(Order).values(status="pending")
_INSERT_LINE = insert(OrderLine)
_FINISH = (
    update(Order).where(col(Order.id) == bindparam("of")).values(status=bindparam("to"), reason=bindparam("because"))
)
_FIND = select(Order).where(col(Order.id) == bindparam("of"))
_FIND_BY_RUN = select(col(Order.principal)).where(col(Order.run_id) == bindparam("of"))
_LINES = (
    select(OrderLine)
    .where(col(OrderLine.order_id).in_(bindparam("of", expanding=True)))
    .order_by(col(OrderLine.order_id), col(OrderLine.place))
)
_NEWEST = select(Order).order_by(col(Order.id).desc()).limit(bindparam("most"))

_SOLD = ("completed", "shipped", "delivered")  # what the warehouse has accepted, and has not given back
_IN_PART = (
    col(Order.id) >= bindparam("low"),  # the primary key finds them: ids are ordered by their time
    col(Order.id) < bindparam("high"),
    col(Order.created_at) >= bindparam("since"),
    col(Order.created_at) < bindparam("until"),
    col(Order.status).in_(_SOLD),
)
_HALF = 1_000_000_000


def _halves(amount: Mapped[int] | ColumnElement[int]) -> tuple[ColumnElement[int], ColumnElement[int]]:
    """Two sums that `_whole` puts together: SQLite fails where a sum does not fit into 63 bits."""
    return func.sum(amount // _HALF), func.sum(amount % _HALF)


def _whole(high: int, low: int) -> int:
    return int(high) * _HALF + int(low)  # PostgreSQL has decimals for large sums


_BOUNDARY = (
    select(col(Order.id))
    .where(col(Order.id) >= bindparam("low"), col(Order.id) < bindparam("high"))
    .order_by(col(Order.id))
    .offset(bindparam("most"))
    .limit(1)
)
_SOLD_BY_CURRENCY = (
    select(col(Order.total_currency), func.count(), *_halves(col(Order.total_amount)))
    .where(*_IN_PART)
    .group_by(col(Order.total_currency))
)
_SOLD_BY_PRODUCT = (
    select(
        col(OrderLine.sku),
        col(Order.total_currency),
        func.sum(col(OrderLine.quantity)),
        *_halves(col(OrderLine.quantity) * col(OrderLine.price_amount)),
    )
    .join(OrderLine, col(OrderLine.order_id) == col(Order.id))
    .where(*_IN_PART)
    .group_by(col(OrderLine.sku), col(Order.total_currency))
)
_SOLD_BY_CUSTOMER = (
    select(col(Order.customer_email), col(Order.total_currency), func.count(), *_halves(col(Order.total_amount)))
    .where(*_IN_PART)
    .group_by(col(Order.customer_email), col(Order.total_currency))
)


def add(tx: Transaction, order: dict[str, Any], lines: Iterable[dict[str, Any]]) -> None:
    """A new order. Plain rows and not ORM objects: this is the hottest insert of the service."""
    tx.defer(_INSERT, order)
    for line in lines:
        tx.defer(_INSERT_LINE, line)


def finish(tx: Transaction, order_id: UUID, status: str, reason: str | None) -> None:
    """Set the final status, in the transaction that ends the run."""
    tx.defer(_FINISH, {"of": order_id, "to": status, "because": reason})


def reopen(tx: Transaction, order_id: UUID) -> None:
    """While its run is open, an order's status follows from the run."""
    tx.defer(_FINISH, {"of": order_id, "to": "pending", "because": None})


def find(session: ReadSession | Transaction, order_id: UUID) -> Order | None:
    return session.execute(_FIND, {"of": order_id}).scalar_one_or_none()


def lines_of(session: ReadSession | Transaction, orders: Sequence[UUID]) -> dict[UUID, list[OrderLine]]:
    """The lines of each order, in the order in which they were placed."""
    found: dict[UUID, list[OrderLine]] = {order_id: [] for order_id in orders}
    for line in session.execute(_LINES, {"of": list(orders)}).scalars():
        found[line.order_id].append(line)
    return found


def newest(session: ReadSession, *, principal: str | None, before: UUID | None, most: int) -> list[Order]:
    """A page of orders, newest first; of one principal unless `None`."""
    statement = _NEWEST
    if principal is not None:
        statement = statement.where(col(Order.principal) == principal)
    if before is not None:
        statement = statement.where(col(Order.id) < before)
    return list(session.execute(statement, {"most": most}).scalars())


def owner_of_run(session: ReadSession, run_id: UUID) -> str | None:
    """Whose order the run fulfills."""
    return session.execute(_FIND_BY_RUN, {"of": run_id}).scalar_one_or_none()


def boundary(session: ReadSession, low: UUID, high: UUID, most: int) -> UUID | None:
    """The id that comes after so many from `low` on; none if fewer are left."""
    return session.execute(_BOUNDARY, {"low": low, "high": high, "most": most}).scalar_one_or_none()


def sold_by_currency(session: ReadSession, part: Mapping[str, UUID | datetime]) -> list[tuple[str, int, int]]:
    """Currency, orders, amount."""
    rows = session.execute(_SOLD_BY_CURRENCY, part)
    return [(currency, orders, _whole(high, low)) for currency, orders, high, low in rows]


def sold_by_product(session: ReadSession, part: Mapping[str, UUID | datetime]) -> list[tuple[str, str, int, int]]:
    """SKU, currency, units, amount."""
    rows = session.execute(_SOLD_BY_PRODUCT, part)
    return [(sku, currency, int(units), _whole(high, low)) for sku, currency, units, high, low in rows]


def sold_by_customer(session: ReadSession, part: Mapping[str, UUID | datetime]) -> list[tuple[str, str, int, int]]:
    """Address, currency, orders, amount."""
    rows = session.execute(_SOLD_BY_CUSTOMER, part)
    return [(email, currency, orders, _whole(high, low)) for email, currency, orders, high, low in rows]
