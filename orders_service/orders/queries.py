"""The SQL of this slice."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, bindparam, func, insert, or_, select, update
from sqlmodel import col

from orders_service.orders.errors import NotCancellable, OrderMoved
from orders_service.orders.tables import Order, OrderLine
from pipelines import ReadSession, Transaction

_INSERT = insert(Order).values(status="pending")
_INSERT_LINE = insert(OrderLine)
_OF = col(Order.id) == bindparam("of")
_ENDS: dict[str, Any] = {"status": bindparam("to"), "reason": bindparam("because")}
# Guarded, though a run ends once: whatever else may start a run for an order must not move it back.
_FINISH = update(Order).where(_OF, col(Order.status) == "pending").values(_ENDS)
_END_BADLY = (
    update(Order)
    .where(_OF, col(Order.status).in_(("pending", "rejected", "failed", "cancelled")))
    .values({**_ENDS, "told_at": func.coalesce(col(Order.told_at), bindparam("told"))})
)
_REOPEN = update(Order).where(_OF).values(status="pending", reason=None, told_at=None)

# An order that the warehouse has may be shipped, refused and cancelled at the same time: whoever finds it completed
# moves it, and the others find that it has moved.
_COMPLETED = update(Order).where(_OF, col(Order.status) == "completed")
_ASK_BACK = _COMPLETED.where(col(Order.cancellation_run_id).is_(None)).values(cancellation_run_id=bindparam("asks"))
_SHIP = _COMPLETED.values(status="shipped", shipped_at=bindparam("at"), tracking=bindparam("how"))
_UNDO_ACCEPTED = _COMPLETED.values(status=bindparam("to"), reason=bindparam("because"), told_at=bindparam("told"))
_DELIVER = (
    update(Order)
    .where(_OF, col(Order.status) == bindparam("was"))
    .values(status="delivered", delivered_at=bindparam("at"))
)
_NOTE_SHIPPING = update(Order).where(_OF).values(shipped_at=bindparam("at"), tracking=bindparam("how"))
_WITHDRAW = update(Order).where(_OF).values(cancellation_run_id=None)

_FIND = select(Order).where(_OF)
_FIND_BY_RUN = select(col(Order.principal)).where(
    or_(col(Order.run_id) == bindparam("of"), col(Order.cancellation_run_id) == bindparam("of"))
)
_BEHIND_RUN = select(Order).where(
    or_(col(Order.run_id) == bindparam("of"), col(Order.cancellation_run_id) == bindparam("of"))
)
_RUN = select(col(Order.run_id)).where(_OF)
_PLACES = select(col(Order.id), col(Order.status), col(Order.run_id)).where(
    col(Order.id).in_(bindparam("of", expanding=True))
)
_PRINCIPAL = select(col(Order.principal)).where(col(Order.id) == bindparam("of"))
_LINES = (
    select(OrderLine)
    .where(col(OrderLine.order_id).in_(bindparam("of", expanding=True)))
    .order_by(col(OrderLine.order_id), col(OrderLine.place))
)
_NEWEST = select(Order).order_by(col(Order.id).desc()).limit(bindparam("most"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which orders, by what is stored of them; the ids say where in the index to look."""

    principal: str | None = None
    statuses: Collection[str] = ()
    created_after: datetime | None = None
    created_before: datetime | None = None
    from_id: UUID | None = None
    before_id: UUID | None = None


def add(tx: Transaction, order: dict[str, Any], lines: Iterable[dict[str, Any]]) -> None:
    """A new order. Plain rows and not ORM objects: this is the hottest insert of the service."""
    tx.defer(_INSERT, order)
    for line in lines:
        tx.defer(_INSERT_LINE, line)


def finish(tx: Transaction, order_id: UUID, status: str, reason: str | None) -> None:
    """Set the final status, in the transaction that ends the run."""
    tx.defer(_FINISH, {"of": order_id, "to": status, "because": reason})


def end_badly(tx: Transaction, order_id: UUID, status: str, reason: str | None, *, told_at: datetime | None) -> None:
    """The same for an order that is not fulfilled; when its customer was first told of it stays."""
    tx.defer(_END_BADLY, {"of": order_id, "to": status, "because": reason, "told": told_at})


def reopen(tx: Transaction, order_id: UUID) -> None:
    """While its run is open, an order's status follows from the run."""
    tx.defer(_REOPEN, {"of": order_id})


def ask_back(tx: Transaction, order_id: UUID, run_id: UUID) -> None:
    """Raises `NotCancellable` when it was asked back, or moved, in between."""
    moved = NotCancellable("completed", "The order is being cancelled already, or has just been shipped.")
    tx.defer(_ASK_BACK, {"of": order_id, "asks": run_id}, otherwise=moved)


def withdraw_cancellation(tx: Transaction, order_id: UUID) -> None:
    """Nobody asks the warehouse any more."""
    tx.defer(_WITHDRAW, {"of": order_id})


def ship(tx: Transaction, order_id: UUID, at: datetime, tracking: Mapping[str, str] | None) -> None:
    """Raises `OrderMoved`, as do the next two."""
    how = dict(tracking) if tracking else None
    tx.defer(_SHIP, {"of": order_id, "at": at, "how": how}, otherwise=OrderMoved())


def deliver(tx: Transaction, order_id: UUID, was: str, at: datetime) -> None:
    tx.defer(_DELIVER, {"of": order_id, "was": was, "at": at}, otherwise=OrderMoved())


def undo_accepted(tx: Transaction, order_id: UUID, to: str, reason: str, now: datetime) -> None:
    row = {"of": order_id, "to": to, "because": reason, "told": now}
    tx.defer(_UNDO_ACCEPTED, row, otherwise=OrderMoved())


def note_shipping(tx: Transaction, order_id: UUID, at: datetime, tracking: Mapping[str, str] | None) -> None:
    """What is known of the shipping of an order that is on its way, or has arrived."""
    tx.defer(_NOTE_SHIPPING, {"of": order_id, "at": at, "how": dict(tracking) if tracking else None})


def find(session: ReadSession | Transaction, order_id: UUID) -> Order | None:
    return session.execute(_FIND, {"of": order_id}).scalar_one_or_none()


def places_of(tx: Transaction, order_ids: Sequence[UUID]) -> dict[UUID, tuple[str, UUID]]:
    """The stored status and the run of each; those that there are not are missing."""
    return {row.id: (row.status, row.run_id) for row in tx.core.execute(_PLACES, {"of": list(order_ids)})}


def principal_of(tx: Transaction, order_id: UUID) -> str | None:
    """Whose order it is."""
    return tx.core.execute(_PRINCIPAL, {"of": order_id}).scalar_one_or_none()


def lines_of(session: ReadSession | Transaction, orders: Sequence[UUID]) -> dict[UUID, list[OrderLine]]:
    """The lines of each order, in the order in which they were placed."""
    found: dict[UUID, list[OrderLine]] = {order_id: [] for order_id in orders}
    for line in session.execute(_LINES, {"of": list(orders)}).scalars():
        found[line.order_id].append(line)
    return found


def newest(session: ReadSession, wanted: Wanted, *, most: int) -> list[Order]:
    """The newest of those that are wanted."""
    found = [order for each in _finding(wanted) for order in session.execute(each, {"most": most}).scalars()]
    return sorted(found, key=lambda order: order.id, reverse=True)[:most]


def _finding(wanted: Wanted) -> list[Select[Order]]:
    """Each status is a range of its own in the index, read from its end; one's own orders are a range already."""
    statement = _within(wanted)
    if wanted.principal is not None and wanted.statuses:
        unindexed = col(Order.status).concat("")  # or SQLite reads everybody's orders in that state
        return [statement.where(unindexed.in_(wanted.statuses))]
    return [statement.where(col(Order.status) == status) for status in wanted.statuses] or [statement]


def _within(wanted: Wanted) -> Select[Order]:
    statement = _NEWEST
    if wanted.principal is not None:
        statement = statement.where(col(Order.principal) == wanted.principal)
    if wanted.created_after is not None:
        statement = statement.where(col(Order.created_at) >= wanted.created_after)
    if wanted.created_before is not None:
        statement = statement.where(col(Order.created_at) < wanted.created_before)
    if wanted.from_id is not None:
        statement = statement.where(col(Order.id) >= wanted.from_id)
    if wanted.before_id is not None:
        statement = statement.where(col(Order.id) < wanted.before_id)
    return statement


def owner_of_run(session: ReadSession, run_id: UUID) -> str | None:
    """Whose order the run fulfills, or takes back."""
    return session.execute(_FIND_BY_RUN, {"of": run_id}).scalar_one_or_none()


def find_by_run(session: ReadSession, run_id: UUID) -> Order | None:
    """The order that the run fulfills, or takes back."""
    return session.execute(_BEHIND_RUN, {"of": run_id}).scalar_one_or_none()


def run_of(session: ReadSession, order_id: UUID) -> UUID | None:
    """The run that fulfills the order; it may have been pruned."""
    return session.execute(_RUN, {"of": order_id}).scalar_one_or_none()
