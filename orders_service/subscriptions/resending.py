"""What was sent is sent again, because somebody wants it so: the same bytes, by a run of its own.

A delivery that failed goes out under its old id, so that a receiver which took it after all takes it once; one that had
arrived gets a new id, for under the old one a receiver would ignore it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import ValidationError

from orders_service import audit
from orders_service.auth import Principal
from orders_service.subscriptions import queries
from orders_service.subscriptions.delivering import EventDelivery, Started, deliver_event, start_delivery
from orders_service.subscriptions.endpoints import seen_by
from orders_service.subscriptions.errors import EndpointDisabled, StillOnItsWay, TooManyTests, UnknownDelivery
from orders_service.subscriptions.events import TEST, body_of
from orders_service.subscriptions.tables import WebhookDelivery, WebhookEndpoint
from pipelines import Process, Transaction, find_runs

SLICE = 50
MOST_AT_ONCE = 1000
MOST_TESTS = 5

_NOTED = "webhook tests"


@dataclass(frozen=True, slots=True)
class Slice:
    """So many are sent again by one transaction; `last` is where the next goes on, if there may be more."""

    resent: int
    last: UUID | None


def send_test(tx: Transaction, endpoint_id: UUID, principal: Principal) -> Started:
    """Raises `EndpointDisabled`: it would be sent nothing; or `TooManyTests`."""
    endpoint = _listening(tx, endpoint_id, principal)
    _see_that_there_are_few(tx, endpoint.id)
    body = body_of(TEST, {"endpoint_id": endpoint.id}, tx.home.clock.now())
    return start_delivery(tx, endpoint.id, TEST, body)


def resend_one(
    tx: Transaction, endpoint_id: UUID, delivery_id: UUID, principal: Principal, note: audit.Note
) -> Started:
    """Raises `UnknownDelivery`, also when what was sent is no longer kept, or `StillOnItsWay`."""
    endpoint = _listening(tx, endpoint_id, principal)
    delivery = queries.find_delivery(tx, endpoint.id, delivery_id)
    if delivery is not None and delivery.state == "pending":
        raise StillOnItsWay
    if delivery is None or (started := _sent_again(tx, [delivery]).get(delivery.id)) is None:
        raise UnknownDelivery
    audit.record(tx, note, after={"delivery_id": str(delivery_id)})
    return started


async def resend_failed(
    process: Process, endpoint_id: UUID, since: datetime, principal: Principal, note: audit.Note
) -> tuple[int, bool]:
    """How many, and whether there are more. Slice by slice: nobody's order waits for all of them.

    Whoever is interrupted asks again: what was sent again already is left out.
    """
    resent, after = 0, None
    while resent < MOST_AT_ONCE:
        done = await process.write(_resend_slice, endpoint_id, since, after, principal=principal, note=note)
        resent, after = resent + done.resent, done.last
        if after is None:
            return resent, False
    return resent, True


def _resend_slice(
    tx: Transaction, endpoint_id: UUID, since: datetime, after: UUID | None, *, principal: Principal, note: audit.Note
) -> Slice:
    endpoint = _listening(tx, endpoint_id, principal)
    failed = queries.failed_deliveries(tx, endpoint.id, since, after, SLICE)
    started = _sent_again(tx, failed)
    if started:
        audit.record(tx, note, after={"failed_since": since.isoformat(), "resent": len(started)})
    return Slice(len(started), failed[-1].id if len(failed) == SLICE else None)


def _listening(tx: Transaction, endpoint_id: UUID, principal: Principal) -> WebhookEndpoint:
    endpoint = seen_by(tx, endpoint_id, principal)
    if endpoint.disabled_at is not None:
        raise EndpointDisabled
    return endpoint


def _see_that_there_are_few(tx: Transaction, endpoint_id: UUID) -> None:
    """Those of the same batch are counted by what they note: their rows are not there yet."""
    place = queries.count_pending(tx, endpoint_id, TEST)
    while (_NOTED, endpoint_id, place) in tx.noted:
        place += 1
    if place >= MOST_TESTS:
        raise TooManyTests(MOST_TESTS)
    tx.noted[_NOTED, endpoint_id, place] = True


def _sent_again(tx: Transaction, deliveries: Sequence[WebhookDelivery]) -> dict[UUID, Started]:
    """By the old delivery's id. What the journal has forgotten, or cannot read, is left out.

    Nobody waits for many at once: they stand in the journal until somebody has time for them.
    """
    due_at = tx.home.clock.now() if len(deliveries) > 1 else None
    runs = find_runs(tx, [delivery.run_id for delivery in deliveries])
    started = {}
    for delivery in deliveries:
        run = runs.get(delivery.run_id)
        if run is None or (sent := _read(run.payload)) is None:
            continue
        same_id = sent.webhook_id if delivery.state == "failed" else None
        again = start_delivery(tx, sent.endpoint_id, sent.event_type, sent.body, webhook_id=same_id, due_at=due_at)
        queries.note_resent(tx, delivery.id, again.delivery_id)
        started[delivery.id] = again
    return started


def _read(payload: str) -> EventDelivery | None:
    try:
        return deliver_event.decode(payload)
    except ValidationError:
        return None
