"""Webhooks for others: who wants to hear of what, and everything sent to them. The front door of this slice."""

from orders_service.subscriptions.addresses import Addresses
from orders_service.subscriptions.delivering import deliver_event
from orders_service.subscriptions.errors import (
    AddressRefused,
    EndpointDisabled,
    StillOnItsWay,
    SubscriptionsError,
    TooManyEndpoints,
    TooManyTests,
    UnknownDelivery,
    UnknownEndpoint,
)
from orders_service.subscriptions.events import EVENTS, Event
from orders_service.subscriptions.forgetting import forget_deliveries, sent_long_ago
from orders_service.subscriptions.publishing import is_wanted, publish
from orders_service.subscriptions.queries import owner_of_run
from orders_service.subscriptions.viewing import delivery_behind

__all__ = [
    "EVENTS",
    "AddressRefused",
    "Addresses",
    "EndpointDisabled",
    "Event",
    "StillOnItsWay",
    "SubscriptionsError",
    "TooManyEndpoints",
    "TooManyTests",
    "UnknownDelivery",
    "UnknownEndpoint",
    "deliver_event",
    "delivery_behind",
    "forget_deliveries",
    "is_wanted",
    "owner_of_run",
    "publish",
    "sent_long_ago",
]
