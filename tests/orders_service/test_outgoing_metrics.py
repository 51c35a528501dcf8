import asyncio
import json
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from prometheus_client import CollectorRegistry

from orders_service.gateways import (
    Cancellation,
    Crm,
    DestinationRefused,
    FulfillmentCancellation,
    Letter,
    Mail,
    MailRefused,
    MailUnavailable,
    Subscriber,
    SubscriberBusy,
    SubscriberGone,
    Subscribers,
    SubscriberUnavailable,
    Template,
    Warehouse,
    WarehouseRefused,
    WarehouseUnavailable,
)
from orders_service.orders.telling import _FORMS
from orders_service.outgoing_metrics import OF_MAILS, OF_WEBHOOKS, WAREHOUSE_EVENTS, OutgoingMetrics
from orders_service.subscriptions import EVENTS
from pipelines import Throttled
from tests.builders.gateways import FakeCrm, FakeMail, FakeSubscribers, FakeWarehouse
from tests.builders.shop import Outside

LETTER = Letter("ann@example.com", "Welcome", "Hello.\n", template=Template.ACCOUNT_WELCOME)
CANCELLATION = FulfillmentCancellation(
    timestamp=datetime.now(UTC), data=Cancellation(order_id=UUID(int=1), reason="cancelled")
)
HOOK = Subscriber("https://example.com/hook", ("whsec_x",))
SOON = timedelta(seconds=1)


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def outside() -> Outside:
    return Outside()


@pytest.fixture
def gateways(registry: CollectorRegistry, outside: Outside) -> dict[Any, Any]:
    return OutgoingMetrics(registry).around(outside.gateways)


def mails(registry: CollectorRegistry, outcome: str, template: str = "account.welcome") -> float | None:
    return registry.get_sample_value("orders_mails_total", {"template": template, "outcome": outcome})


def deliveries(registry: CollectorRegistry, event: str, outcome: str) -> float | None:
    return registry.get_sample_value("orders_webhook_deliveries_total", {"event": event, "outcome": outcome})


async def ended(call: Awaitable[object]) -> Exception | None:
    """What it raised, if anything."""
    try:
        await call
    except Exception as error:  # noqa: BLE001 - whatever the counting lets through
        return error
    return None


@pytest.mark.usefixtures("gateways")
def test_known_series_start_at_zero(registry: CollectorRegistry) -> None:
    assert {mails(registry, outcome, template) for outcome in OF_MAILS for template in Template} == {0}
    events = (*WAREHOUSE_EVENTS, *EVENTS)
    assert {deliveries(registry, event, outcome) for event in events for outcome in OF_WEBHOOKS} == {0}


def test_each_notice_to_customers_has_a_template_of_its_own() -> None:
    assert set(_FORMS) <= {str(each) for each in Template}


@pytest.mark.parametrize(
    ("trouble", "outcome"),
    [
        (None, "sent"),
        (MailRefused(), "refused"),
        (MailUnavailable(), "unavailable"),
        (RuntimeError("a bug"), "broken"),
    ],
)
async def test_a_letter_counts_by_kind_and_end(
    registry: CollectorRegistry, outside: Outside, gateways: dict[Any, Any], trouble: Exception | None, outcome: str
) -> None:
    outside.mail.door.troubles = [trouble] if trouble else []
    assert await ended(gateways[Mail].send(LETTER, key="k")) is trouble
    assert mails(registry, outcome) == 1


async def test_a_call_that_is_broken_off_counts_as_that(
    registry: CollectorRegistry, outside: Outside, gateways: dict[Any, Any]
) -> None:
    outside.mail.door.close()
    sending = asyncio.create_task(gateways[Mail].send(LETTER, key="k"))
    await outside.mail.door.until_somebody_waits()
    sending.cancel()
    await asyncio.wait([sending])
    assert mails(registry, "broken_off") == 1


@pytest.mark.parametrize(
    ("trouble", "outcome"),
    [
        (None, "sent"),
        (WarehouseRefused(), "refused"),
        (WarehouseUnavailable(), "unavailable"),
        (DestinationRefused(), "refused"),
        (Throttled(retry_after=SOON), "busy"),
    ],
)
async def test_a_webhook_to_the_warehouse_counts_by_event_and_end(
    registry: CollectorRegistry, outside: Outside, gateways: dict[Any, Any], trouble: Exception | None, outcome: str
) -> None:
    outside.warehouse.back_door.troubles = [trouble] if trouble else []
    assert await ended(gateways[Warehouse].cancel_fulfillment(CANCELLATION, key="k")) is trouble
    assert deliveries(registry, "order.fulfillment_cancelled", outcome) == 1


@pytest.mark.parametrize(
    ("trouble", "outcome"),
    [
        (None, "sent"),
        (SubscriberGone(), "gone"),
        (SubscriberUnavailable(), "unavailable"),
        (SubscriberBusy(SOON), "busy"),
        (DestinationRefused(), "refused"),
    ],
)
async def test_a_webhook_to_a_subscriber_counts_by_event_and_end(
    registry: CollectorRegistry, outside: Outside, gateways: dict[Any, Any], trouble: Exception | None, outcome: str
) -> None:
    outside.subscribers.door.troubles = [trouble] if trouble else []
    assert await ended(gateways[Subscribers].send(json.dumps({"type": "order.shipped"}), to=HOOK, key="k")) is trouble
    assert deliveries(registry, "order.shipped", outcome) == 1


async def test_an_event_that_this_release_does_not_know_makes_no_label(
    registry: CollectorRegistry, gateways: dict[Any, Any]
) -> None:
    await gateways[Subscribers].send(json.dumps({"type": "order.of_old"}), to=HOOK, key="k")
    assert deliveries(registry, "order.of_old", "sent") is None
    assert deliveries(registry, "other", "sent") == 1


def test_other_gateways_stay_as_they_are(outside: Outside, gateways: dict[Any, Any]) -> None:
    assert gateways[Crm] is outside.crm
    assert {type(each) for each in gateways.values()} & {FakeMail, FakeWarehouse, FakeSubscribers, FakeCrm} == {FakeCrm}
