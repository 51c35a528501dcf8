"""The SQL of this slice."""

from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, insert, select
from sqlmodel import col

from orders_service.fulfillment.tables import ReceivedEvent
from pipelines import Transaction

_ADD = insert(ReceivedEvent)
_KNOWN = select(col(ReceivedEvent.webhook_id)).where(col(ReceivedEvent.webhook_id) == bindparam("of"))
_OLD = (
    select(col(ReceivedEvent.webhook_id))
    .where(col(ReceivedEvent.received_at) < bindparam("before"))
    .order_by(col(ReceivedEvent.received_at))
    .limit(bindparam("most"))
)
_FORGET = delete(ReceivedEvent).where(col(ReceivedEvent.webhook_id).in_(bindparam("those", expanding=True)))


def is_known(tx: Transaction, webhook_id: str) -> bool:
    """One of this very batch is not in the table yet."""
    is_here = ("webhook-id", webhook_id) in tx.noted
    return is_here or tx.core.execute(_KNOWN, {"of": webhook_id}).first() is not None


def add(tx: Transaction, row: dict[str, Any]) -> None:
    """Fails when another process is quicker with the same id; called again, it is known then."""
    tx.noted["webhook-id", row["webhook_id"]] = True
    tx.defer(_ADD, row)


def forget(tx: Transaction, before: datetime, most: int) -> int:
    """Those of before then, oldest first; says how many."""
    old = tx.execute(_OLD, {"before": before, "most": most}).scalars().all()
    if old:
        tx.execute(_FORGET, {"those": old})
    return len(old)
