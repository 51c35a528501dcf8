"""How all endpoints fare, for the people who run the shop: whose they are does not matter, and no secret is shown."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self
from uuid import UUID

from orders_service.pages import Page, cursor_after, place_of
from orders_service.subscriptions import survey_queries
from orders_service.subscriptions.errors import UnknownEndpoint
from orders_service.subscriptions.schemas import EndpointView
from pipelines import ReadSession

LATELY = timedelta(days=1)
LATE_AFTER = timedelta(minutes=1)
_SHOWN = 50
_UNDER = "a survey of endpoints"


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointStanding:
    """An endpoint, what came of what was sent to it lately, and how much is on its way or late; up to a thousand."""

    endpoint: EndpointView
    live_secrets: int
    delivered: int
    failed: int
    pending: int
    late: int

    @classmethod
    def of(cls, row: survey_queries.Standing, now: datetime) -> Self:
        endpoint, delivered, failed, pending, late = row
        return cls(
            endpoint=EndpointView.of(endpoint),
            live_secrets=len(endpoint.live_secrets(now)),
            delivered=delivered,
            failed=failed,
            pending=pending,
            late=late,
        )


def survey(session: ReadSession, *, now: datetime, cursor: str | None) -> Page[EndpointStanding]:
    """Everybody's, newest first. Raises `UnfitCursor`."""
    before = place_of(cursor, under=_UNDER)
    found = survey_queries.newest(session, since=now - LATELY, late=now - LATE_AFTER, before=before, most=_SHOWN + 1)
    shown = [EndpointStanding.of(row, now) for row in found[:_SHOWN]]
    more = cursor_after(shown[-1].endpoint.id, under=_UNDER) if len(found) > _SHOWN else None
    return Page(items=shown, next=more)


def standing_of(session: ReadSession, endpoint_id: UUID, *, now: datetime) -> EndpointStanding:
    """Raises `UnknownEndpoint`."""
    row = survey_queries.find(session, endpoint_id, since=now - LATELY, late=now - LATE_AFTER)
    if row is None:
        raise UnknownEndpoint
    return EndpointStanding.of(row, now)
