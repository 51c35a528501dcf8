"""What was sent to an endpoint and what it answered, as its owner sees it: read from the journal."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, NamedTuple, Self, get_args
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError, WithJsonSchema

from orders_service.gateways import Reply
from orders_service.pages import Limit, Page, cursor_after, place_of
from orders_service.strict_models import StrictModel
from orders_service.subscriptions import queries
from orders_service.subscriptions.delivering import Started, deliver_event
from orders_service.subscriptions.errors import UnknownDelivery
from orders_service.subscriptions.tables import WebhookDelivery
from pipelines import Attempt, ReadSession, RunRecord, RunState, find_runs

SHORT = 1024
State = Literal["pending", "delivered", "failed"]
# A newer release, which works beside this one, may have written another.
StoredState = Annotated[str, WithJsonSchema({"type": "string", "enum": list(get_args(State))})]

_ID = "01a1fccd-1aee-748f-9e6d-a539d2934ed4"
_RUN = "01a1fccd-1aee-748f-9e6d-a53a446f6bc9"
_LINK: dict[str, Any] = {"id": _RUN, "url": f"/v1/runs/{_RUN}"}
_ANSWERED: dict[str, Any] = {"last_status": 503, "last_response": "back in a minute"}
_EXAMPLE: dict[str, Any] = _ANSWERED | {
    "id": _ID,
    "event_type": "order.accepted",
    "webhook_id": _ID,
    "state": "pending",
    "attempts": 1,
    "next_attempt_at": "2026-11-28T12:00:05Z",
    "request": '{"type":"order.accepted","timestamp":"2026-11-28T12:00:00Z","data":{}}',
    "created_at": "2026-11-28T12:00:00Z",
    "finished_at": None,
    "resent_as": None,
    "run": _LINK,
}
_TRY: dict[str, Any] = {
    "attempt": 1,
    "outcome": "retry",
    "status": 503,
    "response": "back in a minute",
    "error": "SubscriberUnavailable: https://shop.example.com answered 503",
    "started_at": "2026-11-28T12:00:00Z",
    "milliseconds": 12,
}


class DeliveryFilter(StrictModel):
    """Which deliveries to list."""

    state: State | None = None
    cursor: str | None = Field(default=None, max_length=500)
    limit: Limit = Field(default=50, strict=False)


class _Shown(BaseModel):
    model_config = ConfigDict(frozen=True)


class RunLink(_Shown):
    """Where to follow the background work."""

    id: UUID
    url: str

    @classmethod
    def to(cls, run_id: UUID) -> Self:
        return cls(id=run_id, url=f"/v1/runs/{run_id}")


class DeliveryStarted(_Shown):
    """What is on its way."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"delivery_id": _ID, "run": _LINK}]})

    delivery_id: UUID
    run: RunLink

    @classmethod
    def of(cls, started: Started) -> Self:
        return cls(delivery_id=started.delivery_id, run=RunLink.to(started.run_id))


class Resent(_Shown):
    """How many were sent again; ask again while there are more."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"resent": 2, "more": False, "run": None}]})

    resent: int
    more: bool = False
    run: RunLink | None = Field(default=None, description="Of the one that was asked for.")


class TryView(_Shown):
    """One attempt; status and response are null when nothing was answered."""

    model_config = ConfigDict(json_schema_extra={"examples": [_TRY]})

    attempt: int
    outcome: str
    status: int | None
    response: str | None = Field(description="Its beginning, without control characters.")
    error: str | None
    started_at: datetime
    milliseconds: int

    @classmethod
    def of(cls, attempt: Attempt) -> Self:
        reply = reply_of(attempt)
        return cls(
            attempt=attempt.number,
            outcome=attempt.outcome,
            status=reply and reply.status,
            response=reply and reply.excerpt,
            error=attempt.error,
            started_at=attempt.started_at,
            milliseconds=round(attempt.took.total_seconds() * 1000),
        )


class DeliveryView(_Shown):
    """An event on its way to an endpoint. What was sent is null when it is no longer kept."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    id: UUID
    event_type: str
    webhook_id: UUID = Field(
        description="As in the header: the same for every attempt, and when it failed and is resent."
    )
    state: StoredState
    attempts: int
    next_attempt_at: datetime | None
    last_status: int | None
    last_response: str | None
    request: str | None
    created_at: datetime
    finished_at: datetime | None
    resent_as: UUID | None
    run: RunLink

    @classmethod
    def of(cls, delivery: WebhookDelivery, run: RunRecord | None, *, most: int = SHORT, **more: Any) -> Self:
        tried = run.attempts if run is not None else ()
        reply = next((said for each in reversed(tried) if (said := reply_of(each)) is not None), None)
        return cls(
            **delivery.model_dump(exclude={"endpoint_id", "run_id"}),
            attempts=len(tried),
            next_attempt_at=run.due_at if run is not None and run.state is RunState.WAITING else None,
            last_status=reply and reply.status,
            last_response=reply and reply.excerpt,
            request=run and sent_by(run)[:most],
            run=RunLink.to(delivery.run_id),
            **more,
        )


class DeliveryDetails(DeliveryView):
    """The same with all that was sent, and every attempt."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE | {"tries": [_TRY]}]})

    tries: tuple[TryView, ...]


class SentTo(NamedTuple):
    """A delivery, and where it goes; the endpoint may be gone."""

    delivery_id: UUID
    endpoint_id: UUID
    event_type: str
    state: str
    url: str | None


def delivery_behind(session: ReadSession, run_id: UUID) -> SentTo | None:
    """The delivery that a run makes, for staff."""
    found = queries.find_by_run(session, run_id)
    if found is None:
        return None
    delivery, url = found
    return SentTo(delivery.id, delivery.endpoint_id, delivery.event_type, delivery.state, url)


def page_of(session: ReadSession, endpoint_id: UUID, which: DeliveryFilter) -> Page[DeliveryView]:
    """What was sent to it, newest first. Raises `UnfitCursor`."""
    under = f"deliveries to {endpoint_id} in {which.state}"
    before = place_of(which.cursor, under=under)
    found = queries.newest_deliveries(session, endpoint_id, state=which.state, before=before, most=which.limit + 1)
    shown = found[: which.limit]
    more = cursor_after(shown[-1].id, under=under) if len(found) > which.limit else None
    return Page(items=view_all(session, shown), next=more)


def details_of(session: ReadSession, endpoint_id: UUID, delivery_id: UUID) -> DeliveryDetails:
    """Raises `UnknownDelivery`."""
    delivery = queries.find_delivery(session, endpoint_id, delivery_id)
    if delivery is None:
        raise UnknownDelivery
    return view_one(session, delivery)


def view_all(session: ReadSession, deliveries: Sequence[WebhookDelivery]) -> list[DeliveryView]:
    """Two statements, however many deliveries."""
    runs = find_runs(session, [delivery.run_id for delivery in deliveries])
    return [DeliveryView.of(delivery, runs.get(delivery.run_id)) for delivery in deliveries]


def view_one(session: ReadSession, delivery: WebhookDelivery) -> DeliveryDetails:
    run = find_runs(session, [delivery.run_id]).get(delivery.run_id)
    tries: Iterable[Attempt] = run.attempts if run is not None else ()
    whole = len(sent_by(run)) if run is not None else SHORT
    return DeliveryDetails.of(delivery, run, most=whole, tries=tuple(map(TryView.of, tries)))


def reply_of(attempt: Attempt) -> Reply | None:
    """What was answered, if anything was."""
    if attempt.result is None:
        return None
    try:
        return Reply.model_validate_json(attempt.result)
    except ValidationError:  # of a later release
        return None


def sent_by(run: RunRecord) -> str:
    """The body; nothing, if another release has written it in a way that we cannot read."""
    try:
        return deliver_event.decode(run.payload).body
    except ValidationError:
        return ""
