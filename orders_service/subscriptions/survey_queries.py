"""The SQL of looking at all endpoints at once. Counts stop at a thousand: one that is full says enough."""

from collections.abc import Sequence
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from sqlalchemy import ColumnElement, Row, ScalarSelect, bindparam, func, literal, select
from sqlmodel import col

from orders_service.subscriptions.tables import WebhookDelivery, WebhookEndpoint
from pipelines import ReadSession

MOST_COUNTED = 1000

Standing: TypeAlias = Row[WebhookEndpoint, int, int, int, int]
"""Endpoint, delivered, failed, pending, and late of these."""


def _count(state: str, *conditions: ColumnElement[bool]) -> ScalarSelect[int]:
    """Of the endpoint in whose row it stands."""
    found = select(literal(1)).where(
        col(WebhookDelivery.endpoint_id) == col(WebhookEndpoint.id), col(WebhookDelivery.state) == state
    )
    some = found.where(*conditions).limit(MOST_COUNTED).correlate(WebhookEndpoint).subquery()
    return select(func.count()).select_from(some).scalar_subquery()


_ENDED_LATELY = col(WebhookDelivery.finished_at) >= bindparam("since")
_BEGAN_LONG_AGO = col(WebhookDelivery.created_at) < bindparam("late")
STANDINGS = select(
    WebhookEndpoint,
    _count("delivered", _ENDED_LATELY),
    _count("failed", _ENDED_LATELY),
    _count("pending"),
    _count("pending", _BEGAN_LONG_AGO),
)
_NEWEST = STANDINGS.order_by(col(WebhookEndpoint.id).desc()).limit(bindparam("most"))
_FIND = STANDINGS.where(col(WebhookEndpoint.id) == bindparam("of"))


def newest(
    session: ReadSession, *, since: datetime, late: datetime, before: UUID | None, most: int
) -> Sequence[Standing]:
    """A page of endpoints, newest first: what has ended since then, and what is on its way, late if begun before."""
    statement = _NEWEST if before is None else _NEWEST.where(col(WebhookEndpoint.id) < before)
    return session.execute(statement, {"since": since, "late": late, "most": most}).all()


def find(session: ReadSession, endpoint_id: UUID, *, since: datetime, late: datetime) -> Standing | None:
    return session.execute(_FIND, {"since": since, "late": late, "of": endpoint_id}).one_or_none()
