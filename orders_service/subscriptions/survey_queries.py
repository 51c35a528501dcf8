"""The SQL of looking at all endpoints at once. Counts stop at a thousand: one that is full says enough."""

from collections.abc import Sequence
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from sqlalchemy import Row, ScalarSelect, bindparam, func, literal, select
from sqlmodel import col

from orders_service.subscriptions.tables import WebhookDelivery, WebhookEndpoint
from pipelines import ReadSession

MOST_COUNTED = 1000

Standing: TypeAlias = Row[WebhookEndpoint, int, int, int]
"""Endpoint, delivered, failed, pending."""


def _count(state: str, *, lately: bool = True) -> ScalarSelect[int]:
    """Of the endpoint in whose row it stands."""
    found = select(literal(1)).where(
        col(WebhookDelivery.endpoint_id) == col(WebhookEndpoint.id), col(WebhookDelivery.state) == state
    )
    if lately:
        found = found.where(col(WebhookDelivery.finished_at) >= bindparam("since"))
    some = found.limit(MOST_COUNTED).correlate(WebhookEndpoint).subquery()
    return select(func.count()).select_from(some).scalar_subquery()


STANDINGS = select(
    WebhookEndpoint,
    _count("delivered").label("delivered"),
    _count("failed").label("failed"),
    _count("pending", lately=False).label("pending"),
)
_NEWEST = STANDINGS.order_by(col(WebhookEndpoint.id).desc()).limit(bindparam("most"))
_FIND = STANDINGS.where(col(WebhookEndpoint.id) == bindparam("of"))


def newest(session: ReadSession, *, since: datetime, before: UUID | None, most: int) -> Sequence[Standing]:
    """A page of endpoints, newest first, with how many deliveries have ended since then, and how many have not."""
    statement = _NEWEST if before is None else _NEWEST.where(col(WebhookEndpoint.id) < before)
    return session.execute(statement, {"since": since, "most": most}).all()


def find(session: ReadSession, endpoint_id: UUID, since: datetime) -> Standing | None:
    return session.execute(_FIND, {"since": since, "of": endpoint_id}).one_or_none()
