"""The SQL of what was sold: sums over a part of the orders."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, bindparam, func, select
from sqlalchemy.orm import Mapped
from sqlmodel import col

from orders_service.orders.tables import Order, OrderLine
from pipelines import ReadSession

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
