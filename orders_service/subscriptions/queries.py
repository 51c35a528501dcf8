"""The SQL of this slice."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, delete, func, insert, null, select, update
from sqlmodel import col

from orders_service.ids import first_id_at
from orders_service.subscriptions.listening_queries import raise_revision
from orders_service.subscriptions.tables import WebhookDelivery, WebhookEndpoint
from pipelines import ReadSession, Transaction

_OF_LISTENING = {"url", "event_types", "disabled_at"}  # and not a secret or a description
_ADD_DELIVERY = insert(WebhookDelivery).values(state="pending", finished_at=None, resent_as=None)
_ADD = insert(WebhookEndpoint).values(
    former_secret=None, former_secret_until=None, disabled_at=None, disabled_reason=None
)
_COUNT = select(func.count()).select_from(WebhookEndpoint).where(col(WebhookEndpoint.owner) == bindparam("of"))
_NEWEST = select(WebhookEndpoint).order_by(col(WebhookEndpoint.id).desc()).limit(bindparam("most"))
_CHANGE = update(WebhookEndpoint).where(col(WebhookEndpoint.id) == bindparam("of"))
_REMOVE = delete(WebhookEndpoint).where(col(WebhookEndpoint.id) == bindparam("of"))
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

_OWNER_OF_RUN = (
    select(col(WebhookEndpoint.owner))
    .join(WebhookDelivery, col(WebhookDelivery.endpoint_id) == col(WebhookEndpoint.id))
    .where(col(WebhookDelivery.run_id) == bindparam("of"), col(WebhookEndpoint.sees_everything).is_(False))
)
_BEHIND_RUN = (
    select(WebhookDelivery, col(WebhookEndpoint.url))
    .outerjoin(WebhookEndpoint, col(WebhookDelivery.endpoint_id) == col(WebhookEndpoint.id))
    .where(col(WebhookDelivery.run_id) == bindparam("of"))
)
_SENT = select(WebhookDelivery).where(col(WebhookDelivery.endpoint_id) == bindparam("endpoint"))
_ONE_SENT = _SENT.where(col(WebhookDelivery.id) == bindparam("of"))
_PENDING = (
    select(func.count())
    .select_from(WebhookDelivery)
    .where(
        col(WebhookDelivery.endpoint_id) == bindparam("endpoint"),
        col(WebhookDelivery.state) == "pending",
        col(WebhookDelivery.event_type) == bindparam("kind"),
    )
)
_NEWEST_SENT = _SENT.order_by(col(WebhookDelivery.id).desc()).limit(bindparam("most"))
_FAILED = (
    _SENT.where(
        col(WebhookDelivery.state) == "failed",
        col(WebhookDelivery.finished_at) >= bindparam("since"),
        col(WebhookDelivery.resent_as).is_(None),
    )
    .order_by(col(WebhookDelivery.id))
    .limit(bindparam("most"))
    .with_for_update()  # of two who send again, the second finds it done
)
_RESENT = (
    update(WebhookDelivery).where(col(WebhookDelivery.id) == bindparam("of")).values(resent_as=bindparam("another"))
)
_OLD = (
    select(col(WebhookDelivery.id))
    .where(
        col(WebhookDelivery.id) < bindparam("below"),  # says nearly the same, and is what the primary key is for
        col(WebhookDelivery.created_at) < bindparam("before"),
        col(WebhookDelivery.state) != "pending",
    )
    .order_by(col(WebhookDelivery.id))
    .limit(bindparam("most"))
)
_FORGET = delete(WebhookDelivery).where(col(WebhookDelivery.id).in_(bindparam("of", expanding=True)))
_FORGET_SECRETS = (
    update(WebhookEndpoint)
    .where(col(WebhookEndpoint.former_secret_until) <= bindparam("now"))
    .values(former_secret=null(), former_secret_until=null())
)


def add_delivery(tx: Transaction, row: dict[str, Any]) -> None:
    tx.defer(_ADD_DELIVERY, row)


def find_endpoint(session: ReadSession | Transaction, endpoint_id: UUID) -> WebhookEndpoint | None:
    return session.execute(_FIND, {"of": endpoint_id}).scalar_one_or_none()


def disable_endpoint(tx: Transaction, endpoint_id: UUID, at: datetime, reason: str) -> bool:
    """Whether it was enabled until now."""
    was_enabled = tx.execute(_DISABLE, {"of": endpoint_id, "at": at, "because": reason}).first() is not None
    if was_enabled:
        raise_revision(tx)
    return was_enabled


def finish_delivery(tx: Transaction, delivery_id: UUID, state: str, at: datetime) -> None:
    tx.defer(_FINISH, {"of": delivery_id, "now_in": state, "at": at})


def reopen_delivery(tx: Transaction, delivery_id: UUID) -> None:
    tx.defer(_REOPEN, {"of": delivery_id})


def run_of(tx: Transaction, delivery_id: UUID) -> UUID | None:
    return tx.execute(_RUN_OF, {"of": delivery_id}).scalar_one_or_none()


def was_any_delivered(tx: Transaction, endpoint_id: UUID, since: datetime) -> bool:
    """Whether the endpoint has accepted anything since then."""
    return tx.execute(_DELIVERED_SINCE, {"of": endpoint_id, "since": since}).first() is not None


def add_endpoint(tx: Transaction, row: dict[str, Any]) -> None:
    tx.execute(_ADD, row)
    raise_revision(tx)


def count_endpoints(tx: Transaction, owner: str) -> int:
    count: int = tx.execute(_COUNT, {"of": owner}).scalar_one()
    return count


def newest_endpoints(
    session: ReadSession, *, owner: str | None, before: UUID | None, most: int
) -> Sequence[WebhookEndpoint]:
    """A page of endpoints, newest first; of one owner unless `None`, without those that only staff may see."""
    statement = _NEWEST
    if owner is not None:
        statement = statement.where(
            col(WebhookEndpoint.owner) == owner, col(WebhookEndpoint.sees_everything).is_(False)
        )
    if before is not None:
        statement = statement.where(col(WebhookEndpoint.id) < before)
    return session.execute(statement, {"most": most}).scalars().all()


def change_endpoint(tx: Transaction, endpoint_id: UUID, **changed: Any) -> None:
    if changed:
        tx.execute(_CHANGE.values(changed), {"of": endpoint_id})
    if changed.keys() & _OF_LISTENING:
        raise_revision(tx)


def remove_endpoint(tx: Transaction, endpoint_id: UUID) -> None:
    tx.execute(_REMOVE, {"of": endpoint_id})
    raise_revision(tx)


def owner_of_run(session: ReadSession, run_id: UUID) -> str | None:
    """Whose endpoint the run sends to; nobody's, if it hears of everything: that is for staff alone."""
    return session.execute(_OWNER_OF_RUN, {"of": run_id}).scalar_one_or_none()


def find_by_run(session: ReadSession, run_id: UUID) -> tuple[WebhookDelivery, str | None] | None:
    """What the run delivers, and where to, unless the endpoint is gone."""
    row = session.execute(_BEHIND_RUN, {"of": run_id}).one_or_none()
    return (row[0], row[1]) if row is not None else None


def find_delivery(session: ReadSession | Transaction, endpoint_id: UUID, delivery_id: UUID) -> WebhookDelivery | None:
    return session.execute(_ONE_SENT, {"endpoint": endpoint_id, "of": delivery_id}).scalar_one_or_none()


def count_pending(tx: Transaction, endpoint_id: UUID, event_type: str) -> int:
    """Without those that this very batch starts."""
    count: int = tx.execute(_PENDING, {"endpoint": endpoint_id, "kind": event_type}).scalar_one()
    return count


def newest_deliveries(
    session: ReadSession, endpoint_id: UUID, *, state: str | None, before: UUID | None, most: int
) -> Sequence[WebhookDelivery]:
    """A page of what was sent to the endpoint, newest first."""
    statement = _NEWEST_SENT
    if state is not None:
        statement = statement.where(col(WebhookDelivery.state) == state)
    if before is not None:
        statement = statement.where(col(WebhookDelivery.id) < before)
    return session.execute(statement, {"endpoint": endpoint_id, "most": most}).scalars().all()


def failed_deliveries(
    tx: Transaction, endpoint_id: UUID, since: datetime, after: UUID | None, most: int
) -> Sequence[WebhookDelivery]:
    """What failed since then and was not sent again, oldest first."""
    statement = _FAILED if after is None else _FAILED.where(col(WebhookDelivery.id) > after)
    return tx.execute(statement, {"endpoint": endpoint_id, "since": since, "most": most}).scalars().all()


def note_resent(tx: Transaction, delivery_id: UUID, another: UUID) -> None:
    """At once: whoever asks for the same in this very batch has to see it."""
    tx.execute(_RESENT, {"of": delivery_id, "another": another})


def forget_deliveries(tx: Transaction, before: datetime, most: int) -> int:
    """Delete what was begun before then and has ended; says how many."""
    bound = {"below": first_id_at(before), "before": before, "most": most}
    old = tx.execute(_OLD, bound).scalars().all()
    if old:
        tx.execute(_FORGET, {"of": old})
    return len(old)


def forget_former_secrets(tx: Transaction, now: datetime) -> None:
    tx.execute(_FORGET_SECRETS, {"now": now})
