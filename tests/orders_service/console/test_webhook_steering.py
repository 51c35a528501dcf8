"""What operators do about webhooks from the console."""

from datetime import timedelta
from typing import Any

from orders_service.auth import Scope, issue_key
from orders_service.gateways import SubscriberGone
from tests.builders.console import Visitor, signed_in
from tests.builders.operations import audited
from tests.builders.shop import Shop
from tests.builders.subscriptions import deliveries, path_of, subscribed

PAGE = "/console/webhooks"
DAY = timedelta(days=1)


async def failed(shop: Shop, endpoint: Any, count: int = 1) -> list[Any]:
    """So many deliveries that failed, to an endpoint that is sorry for it."""
    for _ in range(count):
        shop.subscribers.door.troubles = [SubscriberGone()]
        await shop.api.post(path_of(endpoint, "test"))
        await shop.settled()
        await shop.api.patch(path_of(endpoint), json={"enabled": True})
    return await deliveries(shop.api, endpoint, state="failed")


async def operator(shop: Shop) -> Visitor:
    """Somebody who may steer, and is no admin."""
    scopes = (Scope.OPERATIONS_READ, Scope.OPERATIONS_WRITE)
    visitor = await signed_in(shop, await shop.process.write(issue_key, "grace", scopes=scopes))
    await visitor.see(PAGE)
    return visitor


async def test_a_test_event_is_sent_and_its_delivery_shown(corner_shop: Shop) -> None:
    endpoint = await subscribed(corner_shop.api)
    answer = await (await operator(corner_shop)).do(f"{PAGE}/{endpoint['id']}/test")
    [delivery] = await deliveries(corner_shop.api, endpoint)
    assert answer.url.path == f"{PAGE}/{endpoint['id']}/deliveries/{delivery['id']}"
    assert "A test event is on its way." in answer.text
    entry = (await audited(corner_shop))[-1]
    assert (entry["actor"], entry["action"]) == ("grace", "webhook_tested")
    assert entry["after"] == {"delivery_id": delivery["id"], "via": "console"}


async def test_everybodys_endpoint_is_disabled_and_enabled_again(corner_shop: Shop) -> None:
    ada = await corner_shop.client_of("ada")
    endpoint = await subscribed(ada)
    visitor = await operator(corner_shop)
    disabled = await visitor.do(f"{PAGE}/{endpoint['id']}/disable")
    assert "It is disabled" in disabled.text
    assert "It was disabled on request." in disabled.text
    assert (await ada.get(path_of(endpoint))).json()["enabled"] is False
    enabled = await visitor.do(f"{PAGE}/{endpoint['id']}/enable")
    assert "It is enabled." in enabled.text
    assert (await ada.get(path_of(endpoint))).json()["enabled"] is True


async def test_one_that_failed_is_sent_again_and_the_new_delivery_shown(shop: Shop) -> None:
    endpoint = await subscribed(shop.api)
    [old] = await failed(shop, endpoint)
    visitor = await operator(shop)
    answer = await visitor.do(f"{PAGE}/{endpoint['id']}/deliveries/{old['id']}/resend")
    await shop.settled()
    [again] = await deliveries(shop.api, endpoint, state="delivered")
    assert answer.url.path == f"{PAGE}/{endpoint['id']}/deliveries/{again['id']}"
    assert f"deliveries/{again['id']}" in await visitor.see(f"{PAGE}/{endpoint['id']}/deliveries/{old['id']}")


async def test_all_that_failed_since_a_moment_are_sent_again(shop: Shop) -> None:
    endpoint = await subscribed(shop.api)
    await failed(shop, endpoint)
    shop.clock.advance(DAY)
    since = shop.clock.now() - timedelta(hours=1)
    await failed(shop, endpoint, 2)
    path = f"{PAGE}/{endpoint['id']}/resend"
    visitor = await operator(shop)
    answer = await visitor.do(path, since=f"{since:%Y-%m-%dT%H:%M}")
    assert "2 deliveries are on the way again." in answer.text
    await shop.settled()
    assert len(await deliveries(shop.api, endpoint, state="delivered")) == 2
    again = await visitor.do(path, since=f"{since:%Y-%m-%dT%H:%M}")
    assert "Nothing has failed since then" in again.text


async def test_when_there_are_more_the_page_says_so(corner_shop: Shop, monkeypatch: Any) -> None:
    monkeypatch.setattr("orders_service.subscriptions.resending.SLICE", 1)
    monkeypatch.setattr("orders_service.subscriptions.resending.MOST_AT_ONCE", 1)
    endpoint = await subscribed(corner_shop.api)
    await failed(corner_shop, endpoint, 2)
    answer = await (await operator(corner_shop)).do(f"{PAGE}/{endpoint['id']}/resend", since="2020-01-01T00:00")
    assert "1 delivery is on the way again." in answer.text
    assert "There are more" in answer.text


async def test_a_moment_that_is_none_is_refused_in_words(corner_shop: Shop) -> None:
    endpoint = await subscribed(corner_shop.api)
    visitor = await operator(corner_shop)
    for since in ("yesterday", "", " ", "0001-01-01T00:00+14:00"):
        answer = await visitor.do(f"{PAGE}/{endpoint['id']}/resend", since=since)
        assert answer.status_code == 422
        assert "Back to the overview" in answer.text


async def test_a_disabled_endpoint_is_sent_nothing_by_hand_either(corner_shop: Shop) -> None:
    endpoint = await subscribed(corner_shop.api)
    await corner_shop.api.patch(path_of(endpoint), json={"enabled": False})
    answer = await (await operator(corner_shop)).do(f"{PAGE}/{endpoint['id']}/test")
    assert answer.status_code == 409
    assert "enable it first" in answer.text
