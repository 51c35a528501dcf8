"""Webhooks for others: who wants to hear of what, and everything sent to them. The front door of this slice."""

from orders_service.subscriptions.addresses import Addresses
from orders_service.subscriptions.delivering import deliver_event
from orders_service.subscriptions.endpoints import change
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
from orders_service.subscriptions.resending import resend_failed, resend_one, send_test
from orders_service.subscriptions.schemas import EndpointChange, EndpointView
from orders_service.subscriptions.surveying import LATELY, EndpointStanding, standing_of, survey
from orders_service.subscriptions.viewing import (
    DeliveryDetails,
    DeliveryFilter,
    DeliveryView,
    delivery_behind,
    details_of,
    page_of,
)

__all__ = [
    "EVENTS",
    "LATELY",
    "AddressRefused",
    "Addresses",
    "DeliveryDetails",
    "DeliveryFilter",
    "DeliveryView",
    "EndpointChange",
    "EndpointDisabled",
    "EndpointStanding",
    "EndpointView",
    "Event",
    "StillOnItsWay",
    "SubscriptionsError",
    "TooManyEndpoints",
    "TooManyTests",
    "UnknownDelivery",
    "UnknownEndpoint",
    "change",
    "deliver_event",
    "delivery_behind",
    "details_of",
    "forget_deliveries",
    "is_wanted",
    "owner_of_run",
    "page_of",
    "publish",
    "resend_failed",
    "resend_one",
    "send_test",
    "sent_long_ago",
    "standing_of",
    "survey",
]
