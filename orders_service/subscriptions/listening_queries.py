"""The SQL of who listens: the endpoints that are sent events, and the revision in which they are."""

from collections.abc import Sequence
from itertools import count
from uuid import UUID

from sqlalchemy import Row, bindparam, insert, select, update
from sqlmodel import col

from orders_service.subscriptions.tables import WebhookEndpoint, WebhookState
from pipelines import Transaction

_THE_ROW = 1
_REVISION = select(col(WebhookState.revision)).where(col(WebhookState.id) == _THE_ROW)
_BEGIN_STATE = insert(WebhookState)
_RAISE_REVISION = (
    update(WebhookState).where(col(WebhookState.id) == bindparam("of")).values(revision=col(WebhookState.revision) + 1)
)
_LISTENING = select(
    col(WebhookEndpoint.id),
    col(WebhookEndpoint.owner),
    col(WebhookEndpoint.sees_everything),
    col(WebhookEndpoint.event_types),
).where(col(WebhookEndpoint.disabled_at).is_(None))
_CHANGED = "webhook endpoints changed"


def listening(tx: Transaction) -> Sequence[Row[UUID, str, bool, list[str]]]:
    """Id, owner, whether it sees everything, and event types of each endpoint that is sent events."""
    return tx.core.execute(_LISTENING).all()


def revision(tx: Transaction) -> int:
    """Which one of their states the endpoints were in before this batch; 0 before the first endpoint."""
    return tx.core.execute(_REVISION).scalar_one_or_none() or 0


def raise_revision(tx: Transaction) -> None:
    """With every change of who is sent what, and where. Raised once per batch: who compares sees only that it moved."""
    changes = changes_so_far(tx)
    tx.noted[_CHANGED, changes] = True
    if changes > 0:
        return
    if tx.core.execute(_REVISION).scalar_one_or_none() is None:
        tx.defer(_BEGIN_STATE, {"id": _THE_ROW, "revision": 1})
    else:
        tx.defer(_RAISE_REVISION, {"of": _THE_ROW})


def changes_so_far(tx: Transaction) -> int:
    """How often this batch has changed endpoints.

    Each is noted under a name of its own: what a member that fails has noted is taken back by number.
    """
    return next(number for number in count() if (_CHANGED, number) not in tx.noted)
