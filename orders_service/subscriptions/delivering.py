"""An event on its way to one endpoint: sent until it is accepted, for about three days."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from tenacity import wait_chain, wait_random

from orders_service import audit
from orders_service.gateways import DestinationRefused, Reply, SubscriberGone, Subscribers, SubscriberUnavailable
from orders_service.ids import new_id
from orders_service.subscriptions import queries
from orders_service.subscriptions.addresses import Addresses
from pipelines import (
    Destination,
    Ending,
    Pipeline,
    Priority,
    Reject,
    Retry,
    RunState,
    Transaction,
    WithEvidence,
    start,
)

_MINUTE, _HOUR = 60.0, 3600.0
# After the first attempt, which is made at once: about 75 hours in all.
_PAUSES = (5.0, 5 * _MINUTE, 30 * _MINUTE, 2 * _HOUR, 5 * _HOUR, 10 * _HOUR, 14 * _HOUR, 20 * _HOUR, 24 * _HOUR)
_FOR_THREE_DAYS = Retry(
    on=(SubscriberUnavailable,),
    attempts=len(_PAUSES) + 1,
    wait=wait_chain(*(wait_random(0.9 * pause, 1.1 * pause) for pause in _PAUSES)),
    patience=timedelta(days=4),  # one that only ever asks for a pause is given up, too
)
DEAD_AFTER = timedelta(days=2)
"""A delivery that failed after so long, with none accepted meanwhile, has met an endpoint that is dead."""

NOT_LISTENING = "the endpoint is disabled or gone"
GONE = "the endpoint answered 410: it wants no more events"
NOT_PUBLIC = "the address of the endpoint is none that we call"


class EventDelivery(BaseModel):
    """Stored with the run: what is sent, and to whom. `body` is made once, so that all attempts send equal bytes."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    endpoint_id: UUID
    webhook_id: UUID
    event_type: str
    body: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Started:
    """A delivery that has begun, and the run that makes it."""

    delivery_id: UUID
    run_id: UUID


class WantsNoMore(Reject, WithEvidence):
    """Nothing is to be sent there again."""

    def __init__(self, evidence: str | None) -> None:
        super().__init__(GONE)
        self.evidence = evidence


# Each endpoint by itself: one that is down costs others nothing, and has four of our slots at most. The 20 that an
# owner may have would hang in 80; all that there are have 96 of 256, so that orders find a slot, and other endpoints.
SUBSCRIBERS = Destination(
    "subscribers", concurrency=4, each=lambda delivery: str(delivery.endpoint_id), share_of_slots=0.375
)

deliver_event = Pipeline("deliver-event", EventDelivery)


@deliver_event.step(retry=_FOR_THREE_DAYS, timeout=40, to=SUBSCRIBERS)
async def send_event(delivery: EventDelivery, addresses: Addresses, subscribers: Subscribers) -> Reply:
    """Refusals are no failures of ours, and page nobody."""
    subscriber = await addresses.of(delivery.endpoint_id)
    if subscriber is None:
        raise Reject(NOT_LISTENING)
    try:
        return await subscribers.send(delivery.body, to=subscriber, key=str(delivery.webhook_id))
    except SubscriberGone as gone:
        raise WantsNoMore(gone.evidence) from None
    except DestinationRefused:
        raise Reject(NOT_PUBLIC) from None


@deliver_event.at_end
def close_delivery(delivery: EventDelivery, ending: Ending, tx: Transaction) -> None:
    has_arrived = ending.state is RunState.COMPLETED
    queries.finish_delivery(tx, delivery.id, "delivered" if has_arrived else "failed", tx.home.clock.now())
    if ending.reason == GONE:
        disable(tx, delivery, "It answered 410 Gone.")
    elif ending.state is RunState.FAILED and _is_dead(tx, delivery):
        disable(tx, delivery, "Nothing was accepted for days.")


@deliver_event.at_retry
def reopen_delivery(delivery: EventDelivery, tx: Transaction) -> None:
    queries.reopen_delivery(tx, delivery.id)


def start_delivery(
    tx: Transaction,
    endpoint_id: UUID,
    event_type: str,
    body: str,
    *,
    webhook_id: UUID | None = None,
    due_at: datetime | None = None,
) -> Started:
    """Have it sent by a run of its own. Events wait for orders, never the other way round."""
    delivery_id, now = new_id(), tx.home.clock.now()
    delivery = EventDelivery(
        id=delivery_id,
        endpoint_id=endpoint_id,
        webhook_id=webhook_id or delivery_id,
        event_type=event_type,
        body=body,
        since=now,
    )
    run_id = start(tx, deliver_event, delivery, priority=Priority.LOW, due_at=due_at)
    queries.add_delivery(
        tx,
        {
            "id": delivery_id,
            "endpoint_id": endpoint_id,
            "run_id": run_id,
            "event_type": event_type,
            "webhook_id": delivery.webhook_id,
            "created_at": now,
        },
    )
    return Started(delivery_id, run_id)


def disable(tx: Transaction, delivery: EventDelivery, reason: str) -> None:
    """Send it nothing until its owner enables it again; what is under way finds that out at its next attempt."""
    if not queries.disable_endpoint(tx, delivery.endpoint_id, tx.home.clock.now(), reason):
        return
    run_id = queries.run_of(tx, delivery.id) or delivery.id
    note = audit.by_service(
        deliver_event.name, run_id, "webhook_endpoint_disabled", delivery.endpoint_id, subject_type="webhook_endpoint"
    )
    audit.record(tx, note, after={"disabled_reason": reason})


def _is_dead(tx: Transaction, delivery: EventDelivery) -> bool:
    is_old = tx.home.clock.now() - delivery.since >= DEAD_AFTER
    return is_old and not queries.was_any_delivered(tx, delivery.endpoint_id, delivery.since)
