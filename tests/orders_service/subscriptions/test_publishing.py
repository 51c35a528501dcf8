"""Who is told of what: decided in the transaction of what has happened, and together with it."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from orders_service import subscriptions
from orders_service.subscriptions.events import EVENTS
from orders_service.subscriptions.schemas import SUBSCRIBABLE
from orders_service.webhooks.subscribers import _example
from pipelines import Transaction
from tests.builders.orders import an_order
from tests.builders.shop import Shop
from tests.builders.subscriptions import heard, path_of, publish, statements_about, subscribed


class ChangedMyMind(Exception):
    """What a transaction function may raise after it has published."""


async def test_staff_hears_of_every_order_and_a_customer_of_their_own(shop: Shop) -> None:
    ada, bob = await shop.client_of("ada"), await shop.client_of("bob")
    of_staff = await subscribed(shop.api, "order.accepted")
    of_ada, of_bob = await subscribed(ada, "order.accepted"), await subscribed(bob, "order.accepted")
    await shop.placed(by=ada)
    assert await heard(shop.api, of_staff) == ["order.accepted"] == await heard(ada, of_ada)
    assert await heard(bob, of_bob) == []


async def test_news_of_the_catalog_is_for_everybody_and_other_news_of_nobodys_for_staff(shop: Shop) -> None:
    ada = await shop.client_of("ada")
    names = ("product.*", "order.*", "report.*")
    of_staff, of_ada = await subscribed(shop.api, *names), await subscribed(ada, *names)
    for event_type in ("product.deleted", "order.shipped", "report.ready"):
        await shop.process.write(publish, event_type)
    assert await heard(shop.api, of_staff) == ["product.deleted", "order.shipped", "report.ready"]
    assert await heard(ada, of_ada) == ["product.deleted"]


async def test_a_key_that_has_become_staff_hears_no_more_than_it_subscribed_to(shop: Shop) -> None:
    ada = await shop.client_of("ada")
    endpoint = await subscribed(ada, "report.ready")
    boss = await shop.client_of("ada", is_admin=True)
    await shop.process.write(publish, "report.ready", owner="bob")
    assert await heard(boss, endpoint) == []


@pytest.mark.parametrize("event_type", EVENTS)
async def test_every_event_goes_out_in_the_shape_of_its_example(corner_shop: Shop, event_type: str) -> None:
    names = [event_type] if event_type in SUBSCRIBABLE else ["order.*"]
    endpoint = await subscribed(corner_shop.api, *names)
    if event_type in SUBSCRIBABLE:
        await corner_shop.process.write(publish, event_type)
    else:
        await corner_shop.api.post(path_of(endpoint, "test"))
    await corner_shop.settled()
    [(_, body, _)] = corner_shop.subscribers.sent
    sent, expected = json.loads(body), _example(event_type)
    assert sent["data"].keys() == expected["data"].keys()
    assert EVENTS[event_type].model_validate(sent).type == event_type
    assert len(body) < 20_000


async def test_what_an_event_does_not_name_is_not_sent(corner_shop: Shop) -> None:
    await subscribed(corner_shop.api, "order.shipped")
    order = _example("order.shipped")["data"] | {"customer_email": "ada@example.com"}
    await corner_shop.process.write(publish, "order.shipped", data=order)
    await corner_shop.settled()
    assert "ada" not in corner_shop.subscribers.sent[0][1]


async def test_the_largest_order_fits(corner_shop: Shop) -> None:
    await subscribed(corner_shop.api, "order.shipped")
    item = {"sku": "X" * 64, "quantity": 1_000_000, "price": {"amount": 2**53 - 1, "currency": "EUR"}}
    order = _example("order.shipped")["data"] | {"items": [item] * 100, "reason": "x" * 1000}
    await corner_shop.process.write(publish, "order.shipped", data=order)
    await corner_shop.settled()
    assert len(corner_shop.subscribers.sent[0][1]) < 20_000


@pytest.mark.parametrize(("event_type", "error"), [("order.lost", ValueError), ("order.shipped", ValidationError)])
async def test_what_is_no_event_is_a_mistake_of_ours(corner_shop: Shop, event_type: str, error: Any) -> None:
    await subscribed(corner_shop.api)
    with pytest.raises(error):
        await corner_shop.process.write(publish, event_type, data={"id": "x"})
    assert corner_shop.count("webhook_deliveries") == 0


async def test_what_did_not_happen_is_not_told(shop: Shop) -> None:
    def publish_and_regret(tx: Transaction) -> None:
        publish(tx, "order.shipped")
        raise ChangedMyMind

    await subscribed(shop.api)
    with pytest.raises(ChangedMyMind):
        await shop.process.write(publish_and_regret)
    assert shop.count("webhook_deliveries") == 0
    assert not shop.subscribers.sent


async def test_a_refused_and_a_cancelled_order_are_told_of_with_the_reason(shop: Shop) -> None:
    endpoint = await subscribed(shop.api, "order.rejected", "order.cancelled")
    await shop.placed(an_order(email="x@mailinator.com"))
    await shop.settled()
    shop.mail.door.close()
    order = await shop.placed()
    await shop.mail.door.until_somebody_waits()
    await shop.api.post(f"/v1/orders/{order['id']}/cancel")
    await shop.settled()
    sent = {json.loads(body)["type"]: json.loads(body)["data"] for _, body, _ in shop.subscribers.sent}
    assert await heard(shop.api, endpoint) == ["order.rejected", "order.cancelled"]
    assert sent["order.rejected"]["reason"] == "we do not deliver to customers at mailinator.com"
    assert (sent["order.cancelled"]["id"], sent["order.cancelled"]["status"]) == (order["id"], "cancelled")


async def test_the_end_of_an_order_is_told_to_its_owner(shop: Shop) -> None:
    ada, bob = await shop.client_of("ada"), await shop.client_of("bob")
    of_ada, of_bob = await subscribed(ada, "order.completed"), await subscribed(bob, "order.completed")
    await shop.placed(by=ada)
    await shop.settled()
    assert (await heard(ada, of_ada), await heard(bob, of_bob)) == (["order.completed"], [])


async def test_a_batch_looks_once_for_who_listens_however_much_it_tells(corner_shop: Shop) -> None:
    def publish_much(tx: Transaction) -> None:
        for _ in range(20):
            publish(tx, "order.shipped")
            assert not subscriptions.is_wanted(tx, "order.accepted")

    await subscribed(corner_shop.api, "report.ready")
    await corner_shop.process.write(publish_much)
    with statements_about(corner_shop, "webhook") as seen:
        await corner_shop.process.write(publish_much)
    assert len(seen) == 1


async def test_a_disabled_endpoint_is_told_nothing(shop: Shop) -> None:
    endpoint = await subscribed(shop.api, "order.accepted")
    await shop.api.patch(path_of(endpoint), json={"enabled": False})
    await shop.placed()
    assert shop.count("webhook_deliveries") == 0
    await shop.api.patch(path_of(endpoint), json={"enabled": True})
    await shop.placed()
    assert await heard(shop.api, endpoint) == ["order.accepted"]


async def test_the_run_of_a_delivery_is_shown_to_the_owner_of_the_endpoint_without_what_was_sent(shop: Shop) -> None:
    ada, bob = await shop.client_of("ada"), await shop.client_of("bob")
    endpoint = await subscribed(ada)
    test = (await ada.post(path_of(endpoint, "test"))).json()
    await shop.settled()
    answers = [await client.get(test["run"]["url"]) for client in (ada, bob)]
    assert [answer.status_code for answer in answers] == [200, 404]
    assert answers[0].json()["pipeline"] == "deliver-event"
    assert not [secret for secret in (endpoint["secret"], "This is a test") if secret in answers[0].text]
