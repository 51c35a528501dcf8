"""The SQL of this slice."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, insert, select, update
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
_PRINCIPAL = select(col(Order.principal)).where(col(Order.id) == bindparam("of"))
_LINES = (
    select(OrderLine)
    .where(col(OrderLine.order_id).in_(bindparam("of", expanding=True)))
    .order_by(col(OrderLine.order_id), col(OrderLine.place))
)
_NEWEST = select(Order).order_by(col(Order.id).desc()).limit(bindparam("most"))


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


def principal_of(tx: Transaction, order_id: UUID) -> str | None:
    """Whose order it is."""
    return tx.core.execute(_PRINCIPAL, {"of": order_id}).scalar_one_or_none()


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
