"""An event is published: in the transaction of what has happened, a delivery starts to each who may hear of it."""

from typing import Any

from orders_service.subscriptions.delivering import start_delivery
from orders_service.subscriptions.events import EVENTS, body_of
from orders_service.subscriptions.listening import listeners
from pipelines import Transaction


def publish(tx: Transaction, event_type: str, data: dict[str, Any], *, owner: str | None) -> None:
    """Tell all who subscribe to this type and may see it; what they are sent commits with the caller's change.

    `owner` is the principal whose order or report it is; None for what is everybody's (`product.*`), or of staff only.
    `data` has the shape that `events` declares for the type. Where many have to be told often, ask `is_wanted` before
    you make it.
    """
    if event_type not in EVENTS:
        raise ValueError(f"there is no event {event_type!r}")
    audience = listeners(tx).get(event_type)
    if audience is None or not (told := list(audience.told(event_type, owner))):
        return
    body = body_of(event_type, data, tx.home.clock.now())
    for endpoint_id in told:
        start_delivery(tx, endpoint_id, event_type, body)


def is_wanted(tx: Transaction, event_type: str) -> bool:
    """Whether anybody at all subscribes to this type."""
    return event_type in listeners(tx)
