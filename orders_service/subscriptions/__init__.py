"""Webhooks for others: who wants to hear of what, and everything sent to them. The front door of this slice."""

from orders_service.subscriptions.addresses import Addresses
from orders_service.subscriptions.delivering import deliver_event
from orders_service.subscriptions.errors import SubscriptionsError
from orders_service.subscriptions.events import EVENTS, Event
from orders_service.subscriptions.publishing import is_wanted, publish

__all__ = [
    "EVENTS",
    "Addresses",
    "Event",
    "SubscriptionsError",
    "deliver_event",
    "is_wanted",
    "publish",
]
