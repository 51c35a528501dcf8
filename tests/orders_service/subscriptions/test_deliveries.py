"""What was sent to an endpoint, as its owner sees it, and for how long."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from orders_service import background, subscriptions
from orders_service.subscriptions import forgetting, queries
from pipelines import Schedule, start
from tests.builders.shop import Shop
from tests.builders.subscriptions import Newsroom, deliveries, path_of, subscribed
from tests.harness.receiver import Answer, first

SORRY = Answer(status=503, body=b"not \x00 now")


async def test_a_delivery_is_shown_with_every_attempt_and_all_that_was_sent(newsroom: Newsroom) -> None:
    newsroom.receiver.behaviour = first(1, SORRY)
    test = await newsroom.sent_test()
    await newsroom.shop.run_to_the_end()
    path = path_of(newsroom.endpoint, "deliveries", test["delivery_id"])
    shown = (await newsroom.shop.api.get(path)).json()
    assert shown["request"].encode() == newsroom.receiver.deliveries[0].body
    assert (shown["run"], shown["attempts"], shown["last_status"]) == (test["run"], 2, 200)
    refused, taken = shown["tries"]
    assert (refused["status"], refused["response"], refused["outcome"]) == (503, "not   now", "retry")
    assert refused["error"] == "SubscriberUnavailable: http://127.0.0.1 answered 503"
    assert (taken["status"], taken["response"], taken["error"]) == (200, "ok", None)
    assert taken["milliseconds"] >= 0


async def test_pages_of_deliveries_have_no_gaps_and_keep_to_the_state(shop: Shop) -> None:
    endpoint = await subscribed(shop.api)
    ids = [(await shop.api.post(path_of(endpoint, "test"))).json()["delivery_id"] for _ in range(3)]
    await shop.settled()
    path = path_of(endpoint, "deliveries")
    page = (await shop.api.get(path, params={"limit": 2})).json()
    rest = (await shop.api.get(path, params={"limit": 2, "cursor": page["next"]})).json()
    assert [each["id"] for each in page["items"] + rest["items"]] == ids[::-1]
    assert rest["next"] is None
    assert await deliveries(shop.api, endpoint, state="failed") == []
    assert len(await deliveries(shop.api, endpoint, state="delivered")) == 3
    other = await shop.api.get(path, params={"cursor": page["next"], "state": "failed"})
    assert other.status_code == 422


@pytest.mark.parametrize("query", [{"state": "lost"}, {"limit": "0"}, {"cursor": "x"}, {"offset": "1"}])
async def test_a_list_that_there_is_not_is_refused(corner_shop: Shop, query: dict[str, str]) -> None:
    endpoint = await subscribed(corner_shop.api)
    assert (await corner_shop.api.get(path_of(endpoint, "deliveries"), params=query)).status_code == 422


async def test_what_was_sent_long_ago_is_forgotten_in_slices(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forgetting, "SLICE", 2)
    endpoint = await subscribed(shop.api)
    ids = [(await shop.api.post(path_of(endpoint, "test"))).json()["delivery_id"] for _ in range(6)]
    await shop.settled()
    await shop.process.write(queries.reopen_delivery, UUID(ids[3]))
    await shop.advance(timedelta(days=29))
    await forget(shop)
    assert shop.count("webhook_deliveries") == 6
    await shop.advance(timedelta(days=1, minutes=1))
    new = (await shop.api.post(path_of(endpoint, "test"))).json()["delivery_id"]
    await shop.settled()
    await forget(shop)
    assert [each["id"] for each in await deliveries(shop.api, endpoint)] == [new, ids[3]]


async def test_a_secret_whose_time_is_over_is_erased(shop: Shop) -> None:
    endpoint = await subscribed(shop.api)
    await shop.api.post(path_of(endpoint, "rotate-secret"), json={})
    for hours, left in ((23, 1), (2, 0)):
        shop.clock.advance(timedelta(hours=hours))
        await forget(shop)
        assert shop.rows(text("SELECT count(former_secret) FROM webhook_endpoints"))[0][0] == left


async def forget(shop: Shop) -> None:
    """As the schedule does it every night."""
    [nightly] = [each for each in background.SCHEDULES if each.pipeline is subscriptions.forget_deliveries]
    assert isinstance(nightly, Schedule)
    now = shop.clock.now()
    await shop.process.write(lambda tx: start(tx, nightly.pipeline, subscriptions.sent_long_ago(now)))
    await shop.settled()
