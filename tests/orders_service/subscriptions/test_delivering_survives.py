"""An event reaches its subscriber under one id and with one body, wherever its process dies."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import pytest

from orders_service import subscriptions, tables
from orders_service.gateways import Subscriber, SubscriberGone, Subscribers, SubscriberUnavailable
from orders_service.subscriptions import Addresses, queries
from orders_service.subscriptions.delivering import deliver_event
from orders_service.webhooks.subscribers import _example
from pipelines import RunState, Transaction
from pipelines.testing import Survivor, survives_every_crash
from tests.builders.fulfillment import SECRET
from tests.builders.gateways import FakeSubscribers

_ = tables  # all of the service's, so that they are made
ENDPOINT = UUID("01930000-0000-7000-8000-000000000001")


class KnownAddress(Addresses):
    """Of the one endpoint that there is."""

    async def of(self, endpoint_id: UUID) -> Subscriber | None:  # noqa: ARG002 - as its parent has it
        return Subscriber("https://example.com/hook", (SECRET,))


def subscribe(tx: Transaction) -> None:
    row = {
        "id": ENDPOINT,
        "owner": "ada",
        "sees_everything": True,
        "url": "https://example.com/hook",
        "event_types": ["order.*"],
        "description": "",
        "secret": SECRET,
        "created_at": tx.home.clock.now(),
    }
    queries.add_endpoint(tx, row)


def publish(tx: Transaction) -> None:
    subscriptions.publish(tx, "order.shipped", _example("order.shipped")["data"], owner=None)


def outside(*troubles: Exception) -> Mapping[Any, object]:
    subscribers = FakeSubscribers()
    subscribers.door.troubles = list(troubles)
    return {Subscribers: subscribers, Addresses: KnownAddress()}


@pytest.mark.parametrize(
    ("troubles", "state", "fate", "is_enabled"),
    [
        ([SubscriberUnavailable()], RunState.COMPLETED, "delivered", True),
        ([SubscriberGone()] * 2, RunState.REJECTED, "failed", False),  # to the process that dies, and to the next
    ],
    ids=["delivered", "gone"],
)
async def test_a_delivery_survives_every_crash(
    troubles: list[Exception],
    state: RunState,
    fate: str,
    is_enabled: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    def check(survivor: Survivor) -> None:
        sent = survivor.provided[Subscribers].sent
        assert survivor.run.state is state
        assert len({(key, body) for key, body, _ in sent}) == 1
        [delivery] = survivor.stage.read(
            lambda session: queries.newest_deliveries(session, ENDPOINT, state=None, before=None, most=2)
        )
        assert (delivery.state, str(delivery.webhook_id)) == (fate, sent[0][0])
        endpoint = survivor.stage.read(lambda session: queries.find_endpoint(session, ENDPOINT))
        assert endpoint is not None
        assert (endpoint.disabled_at is None) == is_enabled

    points = await survives_every_crash(
        deliver_event,
        begin=publish,
        provide=lambda: outside(*troubles),
        prepare=subscribe,
        check=check,
        reads=["Addresses.of"],
    )
    assert len(points) > 5
