"""An event is published: in the transaction of what has happened, a delivery starts to each who may hear of it."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from orders_service.subscriptions import queries
from orders_service.subscriptions.delivering import start_delivery
from orders_service.subscriptions.events import EVENTS, body_of, is_public
from pipelines import Transaction

_NOTED = "webhook listeners"


@dataclass(frozen=True, slots=True)
class Listener:
    """An endpoint that is sent events, and of which kinds."""

    id: UUID
    owner: str
    sees_everything: bool
    event_types: frozenset[str]

    def asked_for(self, event_type: str) -> bool:
        return event_type in self.event_types or f"{event_type.partition('.')[0]}.*" in self.event_types

    def wants(self, event_type: str, owner: str | None) -> bool:
        """Whether it asked for this kind, and may hear of this one."""
        if not self.asked_for(event_type):
            return False
        if self.sees_everything or self.owner == owner:
            return True
        return owner is None and is_public(event_type)


def publish(tx: Transaction, event_type: str, data: dict[str, Any], *, owner: str | None) -> None:
    """Tell all who subscribe to this type and may see it; what they are sent commits with the caller's change.

    `owner` is the principal whose order or report it is; None for what is everybody's (`product.*`), or of staff only.
    `data` has the shape that `events` declares for the type. Where many have to be told often, ask `is_wanted` before
    you make it.
    """
    if event_type not in EVENTS:
        raise ValueError(f"there is no event {event_type!r}")
    if not (listeners := _wanting(tx, event_type, owner)):
        return
    body = body_of(event_type, data, tx.home.clock.now())
    for listener in listeners:
        start_delivery(tx, listener.id, event_type, body)


def is_wanted(tx: Transaction, event_type: str) -> bool:
    """Whether anybody at all subscribes to this type."""
    return any(listener.asked_for(event_type) for listener in _listeners(tx))


def _wanting(tx: Transaction, event_type: str, owner: str | None) -> list[Listener]:
    return [listener for listener in _listeners(tx) if listener.wants(event_type, owner)]


def _listeners(tx: Transaction) -> tuple[Listener, ...]:
    """Read once for a batch, however many orders are in it."""
    noted: tuple[Listener, ...] | None = tx.noted.get(_NOTED)
    if noted is None:
        noted = tuple(
            Listener(endpoint_id, owner, sees_everything, frozenset(event_types))
            for endpoint_id, owner, sees_everything, event_types in queries.listening(tx)
        )
        tx.noted[_NOTED] = noted
    return noted
