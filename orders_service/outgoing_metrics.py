"""What Prometheus hears about mails and webhooks: each call to the outside, by what it carried and how it ended.

Counted around the gateways, which all calls pass: what a step makes of a refusal is its own business.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from prometheus_client import CollectorRegistry, Counter
from pydantic_core import from_json

from orders_service.gateways import (
    DestinationRefused,
    FulfillmentCancellation,
    FulfillmentRequest,
    Letter,
    Mail,
    MailRefused,
    MailUnavailable,
    Reply,
    Subscriber,
    SubscriberGone,
    Subscribers,
    SubscriberUnavailable,
    Template,
    Warehouse,
    WarehouseRefused,
    WarehouseUnavailable,
)
from orders_service.subscriptions import EVENTS
from pipelines import Throttled

SENT, BROKEN_OFF, BROKEN = "sent", "broken_off", "broken"
_ENDS: Mapping[type[Exception], str] = {
    MailRefused: "refused",
    MailUnavailable: "unavailable",
    WarehouseRefused: "refused",
    WarehouseUnavailable: "unavailable",
    SubscriberGone: "gone",
    SubscriberUnavailable: "unavailable",
    DestinationRefused: "refused",
    Throttled: "busy",
}
OF_MAILS = (SENT, "refused", "unavailable", BROKEN_OFF, BROKEN)
OF_WEBHOOKS = (SENT, "refused", "unavailable", "gone", "busy", BROKEN_OFF, BROKEN)
WAREHOUSE_EVENTS = tuple(model.model_fields["type"].default for model in (FulfillmentRequest, FulfillmentCancellation))


class OutgoingMetrics:
    """The metrics of one process, on the registry it is given; known series start at 0."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._mails = Counter(
            "orders_mails",
            "Letters handed to the mail server, by kind and how that ended: each attempt counts.",
            ["template", "outcome"],
            registry=registry,
        )
        self._deliveries = Counter(
            "orders_webhook_deliveries",
            "Webhooks sent, to the warehouse and to subscribers, by event and how that ended: each attempt counts.",
            ["event", "outcome"],
            registry=registry,
        )
        for template in Template:
            for outcome in OF_MAILS:
                self._mails.labels(template, outcome)
        for event in (*WAREHOUSE_EVENTS, *EVENTS):
            for outcome in OF_WEBHOOKS:
                self._deliveries.labels(event, outcome)

    def around(self, gateways: Mapping[Any, object]) -> dict[Any, object]:
        """The same gateways, each call of those that send being counted."""
        counted = {Mail: self._mail, Warehouse: self._warehouse, Subscribers: self._subscribers}
        return {kind: counted.get(kind, _as_it_is)(gateway) for kind, gateway in gateways.items()}

    def _mail(self, mail: Any) -> Mail:
        return _CountedMail(mail, self._mails)

    def _warehouse(self, warehouse: Any) -> Warehouse:
        return _CountedWarehouse(warehouse, self._deliveries)

    def _subscribers(self, subscribers: Any) -> Subscribers:
        return _CountedSubscribers(subscribers, self._deliveries)


class _CountedMail:
    def __init__(self, mail: Mail, mails: Counter) -> None:
        self._mail, self._mails = mail, mails

    async def send(self, letter: Letter, *, key: str) -> None:
        with _counted(self._mails, letter.template):
            await self._mail.send(letter, key=key)


class _CountedWarehouse:
    def __init__(self, warehouse: Warehouse, deliveries: Counter) -> None:
        self._warehouse, self._deliveries = warehouse, deliveries

    async def request_fulfillment(self, request: FulfillmentRequest, *, key: str) -> None:
        with _counted(self._deliveries, request.type):
            await self._warehouse.request_fulfillment(request, key=key)

    async def cancel_fulfillment(self, cancellation: FulfillmentCancellation, *, key: str) -> None:
        with _counted(self._deliveries, cancellation.type):
            await self._warehouse.cancel_fulfillment(cancellation, key=key)


class _CountedSubscribers:
    def __init__(self, subscribers: Subscribers, deliveries: Counter) -> None:
        self._subscribers, self._deliveries = subscribers, deliveries

    async def send(self, body: str, *, to: Subscriber, key: str) -> Reply:
        event = from_json(body)["type"]  # every body we send has one
        with _counted(self._deliveries, event if event in EVENTS else "other"):  # of an older release
            return await self._subscribers.send(body, to=to, key=key)


def _as_it_is(gateway: object) -> object:
    return gateway


@contextmanager
def _counted(counter: Counter, what: str) -> Iterator[None]:
    outcome = BROKEN_OFF  # cancelled, at its timeout or because the process leaves
    try:
        yield
        outcome = SENT
    except Exception as error:
        outcome = next((end for kind, end in _ENDS.items() if isinstance(error, kind)), BROKEN)
        raise
    finally:
        counter.labels(what, outcome).inc()
