"""The SQL of this slice."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, insert, null, select, update
from sqlmodel import col

from orders_service.subscriptions.tables import WebhookDelivery, WebhookEndpoint
from pipelines import ReadSession, Transaction

_LISTENING = select(
    col(WebhookEndpoint.id),
    col(WebhookEndpoint.owner),
    col(WebhookEndpoint.sees_everything),
    col(WebhookEndpoint.event_types),
).where(col(WebhookEndpoint.disabled_at).is_(None))
_ADD_DELIVERY = insert(WebhookDelivery).values(state="pending", finished_at=None, resent_as=None)
_FIND = select(WebhookEndpoint).where(col(WebhookEndpoint.id) == bindparam("of"))
_DISABLE = (
    update(WebhookEndpoint)
    .where(col(WebhookEndpoint.id) == bindparam("of"), col(WebhookEndpoint.disabled_at).is_(None))
    .values(disabled_at=bindparam("at"), disabled_reason=bindparam("because"))
    .returning(col(WebhookEndpoint.id))
)
_FINISH = (
    update(WebhookDelivery)
    .where(col(WebhookDelivery.id) == bindparam("of"))
    .values(state=bindparam("now_in"), finished_at=bindparam("at"))
)
_REOPEN = (
    update(WebhookDelivery)
    .where(col(WebhookDelivery.id) == bindparam("of"))
    .values(state="pending", finished_at=null(), resent_as=null())
)
_RUN_OF = select(col(WebhookDelivery.run_id)).where(col(WebhookDelivery.id) == bindparam("of"))
_DELIVERED_SINCE = (
    select(col(WebhookDelivery.id))
    .where(
        col(WebhookDelivery.endpoint_id) == bindparam("of"),
        col(WebhookDelivery.state) == "delivered",
        col(WebhookDelivery.finished_at) >= bindparam("since"),
    )
    .limit(1)
)


def listening(tx: Transaction) -> Sequence[Row[UUID, str, bool, list[str]]]:
    """Id, owner, whether it sees everything, and event types of each endpoint that is sent events."""
    return tx.core.execute(_LISTENING).all()


def add_delivery(tx: Transaction, row: dict[str, Any]) -> None:
    tx.defer(_ADD_DELIVERY, row)


def find_endpoint(session: ReadSession | Transaction, endpoint_id: UUID) -> WebhookEndpoint | None:
    return session.execute(_FIND, {"of": endpoint_id}).scalar_one_or_none()


def disable_endpoint(tx: Transaction, endpoint_id: UUID, at: datetime, reason: str) -> bool:
    """Whether it was enabled until now."""
    return tx.execute(_DISABLE, {"of": endpoint_id, "at": at, "because": reason}).first() is not None


def finish_delivery(tx: Transaction, delivery_id: UUID, state: str, at: datetime) -> None:
    tx.defer(_FINISH, {"of": delivery_id, "now_in": state, "at": at})


def reopen_delivery(tx: Transaction, delivery_id: UUID) -> None:
    tx.defer(_REOPEN, {"of": delivery_id})


def run_of(tx: Transaction, delivery_id: UUID) -> UUID | None:
    return tx.execute(_RUN_OF, {"of": delivery_id}).scalar_one_or_none()


def was_any_delivered(tx: Transaction, endpoint_id: UUID, since: datetime) -> bool:
    """Whether the endpoint has accepted anything since then."""
    return tx.execute(_DELIVERED_SINCE, {"of": endpoint_id, "since": since}).first() is not None
