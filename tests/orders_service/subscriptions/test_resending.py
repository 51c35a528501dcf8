"""What was sent is sent again on request: the same bytes, one delivery or all that failed."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from sqlalchemy import text

from orders_service.subscriptions import resending
from tests.builders.shop import Shop
from tests.builders.subscriptions import Newsroom, deliveries, path_of, subscribed
from tests.harness.receiver import ACCEPT, Answer, always

LONG_AGO = "2020-01-01T00:00:00Z"
GONE = Answer(status=410)


async def resend(client: httpx2.AsyncClient, endpoint: Any, **which: Any) -> Any:
    response = await client.post(path_of(endpoint, "resend"), json=which)
    assert response.status_code == 202, response.text
    assert response.headers["Retry-After"]
    return response


async def failed(newsroom: Newsroom, count: int = 1) -> None:
    """So many test events that the endpoint turned down, and is sorry for."""
    for _ in range(count):
        newsroom.receiver.behaviour = always(GONE)
        await newsroom.sent_test()
        await newsroom.shop.api.patch(path_of(newsroom.endpoint), json={"enabled": True})
    newsroom.receiver.behaviour = always(ACCEPT)
    newsroom.receiver.deliveries.clear()


async def test_what_failed_goes_out_again_under_its_old_id(newsroom: Newsroom) -> None:
    await failed(newsroom)
    [before] = await newsroom.listed()
    response = await resend(newsroom.shop.api, newsroom.endpoint, delivery_id=before["id"])
    await newsroom.shop.settled()
    [sent] = newsroom.receiver.deliveries
    again, old = await newsroom.listed()
    assert (sent.webhook_id, sent.body.decode(), sent.valid) == (before["webhook_id"], before["request"], True)
    assert (again["state"], old["state"], old["resent_as"]) == ("delivered", "failed", again["id"])
    assert response.headers["Location"] == response.json()["run"]["url"] == again["run"]["url"]


async def test_what_had_arrived_goes_out_again_under_a_new_id(newsroom: Newsroom) -> None:
    await newsroom.sent_test()
    [before] = await newsroom.listed()
    await resend(newsroom.shop.api, newsroom.endpoint, delivery_id=before["id"])
    await newsroom.shop.settled()
    first, second = newsroom.receiver.deliveries
    assert first.webhook_id != second.webhook_id
    assert first.body == second.body


async def test_what_is_still_on_its_way_is_not_sent_twice(shop: Shop) -> None:
    endpoint = await subscribed(shop.api)
    shop.subscribers.door.close()
    test = (await shop.api.post(path_of(endpoint, "test"))).json()
    response = await shop.api.post(path_of(endpoint, "resend"), json={"delivery_id": test["delivery_id"]})
    assert (response.status_code, response.json()["code"]) == (409, "state-conflict")
    assert "on its way" in response.json()["detail"]
    assert len(await deliveries(shop.api, endpoint)) == 1
    shop.subscribers.door.open()
    await shop.settled()
    await resend(shop.api, endpoint, delivery_id=test["delivery_id"])


async def test_all_that_failed_since_a_moment_is_sent_again_once(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resending, "SLICE", 2)
    await failed(newsroom, 5)
    await newsroom.sent_test()
    newsroom.receiver.deliveries.clear()
    since = (await newsroom.listed())[4]["finished_at"]  # of the second of those that failed
    response = await resend(newsroom.shop.api, newsroom.endpoint, failed_since=since)
    assert response.json() == {"resent": 4, "more": False, "run": None}
    assert response.headers["Location"] == path_of(newsroom.endpoint, "deliveries")
    await newsroom.shop.run_to_the_end()
    assert len(newsroom.receiver.deliveries) == 4
    assert (await resend(newsroom.shop.api, newsroom.endpoint, failed_since=LONG_AGO)).json()["resent"] == 1
    assert (await resend(newsroom.shop.api, newsroom.endpoint, failed_since=LONG_AGO)).json()["resent"] == 0


async def test_there_is_an_end_to_how_many_are_sent_again_at_once(
    corner_newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resending, "SLICE", 1)
    monkeypatch.setattr(resending, "MOST_AT_ONCE", 2)
    await failed(corner_newsroom, 3)
    answers = [
        (await resend(corner_newsroom.shop.api, corner_newsroom.endpoint, failed_since=LONG_AGO)).json()
        for _ in range(2)
    ]
    assert [(answer["resent"], answer["more"]) for answer in answers] == [(2, True), (1, False)]


async def test_two_who_ask_for_the_same_at_once_have_it_sent_once(newsroom: Newsroom) -> None:
    await failed(newsroom, 3)
    answers = await asyncio.gather(
        *(resend(newsroom.shop.api, newsroom.endpoint, failed_since=LONG_AGO) for _ in range(4))
    )
    assert sum(answer.json()["resent"] for answer in answers) == 3


async def test_what_is_sent_again_is_in_the_audit(shop: Shop) -> None:
    endpoint = await subscribed(shop.api)
    test = (await shop.api.post(path_of(endpoint, "test"))).json()
    await shop.settled()
    await resend(shop.api, endpoint, delivery_id=test["delivery_id"])
    [entry] = (await shop.api.get("/v1/audit", params={"action": "webhook_resent"})).json()["items"]
    assert (entry["subject_id"], entry["after"]) == (endpoint["id"], {"delivery_id": test["delivery_id"]})


async def test_nothing_is_sent_again_to_an_endpoint_that_is_disabled(shop: Shop) -> None:
    endpoint = await subscribed(shop.api)
    await shop.api.patch(path_of(endpoint), json={"enabled": False})
    response = await shop.api.post(path_of(endpoint, "resend"), json={"failed_since": LONG_AGO})
    assert (response.status_code, response.json()["code"]) == (409, "state-conflict")


async def test_a_delivery_of_another_endpoint_is_answered_like_a_missing_one(shop: Shop) -> None:
    bob = await shop.client_of("bob")
    of_admin, of_bob = await subscribed(shop.api), await subscribed(bob)
    test = (await shop.api.post(path_of(of_admin, "test"))).json()
    answers = [
        await bob.post(path_of(of_bob, "resend"), json={"delivery_id": each}, headers={"X-Request-Id": "same"})
        for each in (test["delivery_id"], str(uuid4()))
    ]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert (answers[0].content, answers[0].headers) == (answers[1].content, answers[1].headers)


async def test_what_is_no_longer_kept_cannot_be_sent_again_but_is_still_listed(shop: Shop) -> None:
    endpoint = await subscribed(shop.api)
    test = (await shop.api.post(path_of(endpoint, "test"))).json()
    await shop.settled()
    for table, column in (("attempts", "run_id"), ("runs", "id")):
        await shop.write(f"DELETE FROM {table} WHERE {column} IN (SELECT run_id FROM webhook_deliveries)")  # noqa: S608
    [delivery] = await deliveries(shop.api, endpoint)
    assert (delivery["state"], delivery["request"], delivery["attempts"]) == ("delivered", None, 0)
    assert (await shop.api.get(path_of(endpoint, "deliveries", delivery["id"]))).json()["tries"] == []
    response = await shop.api.post(path_of(endpoint, "resend"), json={"delivery_id": test["delivery_id"]})
    assert response.status_code == 404


async def test_a_failed_delivery_can_be_retried_as_a_run_too(newsroom: Newsroom) -> None:
    await newsroom.shop.write("UPDATE webhook_endpoints SET url = 'http://127.0.0.1:1/nobody'")
    test = await newsroom.sent_test()
    await newsroom.shop.run_to_the_end()
    assert [each["state"] for each in await newsroom.listed()] == ["failed"]
    await newsroom.shop.write("UPDATE webhook_endpoints SET url = :url, disabled_at = NULL", url=newsroom.receiver.url)
    steering = newsroom.shop.process.steering
    await newsroom.shop.process.write(steering.retry, newsroom.shop.run(test).id, actor="ada")
    assert [each["state"] for each in await newsroom.listed()] == ["pending"]
    await newsroom.shop.run_to_the_end()
    [delivery] = await newsroom.listed()
    assert (delivery["state"], delivery["attempts"]) == ("delivered", 11)
    assert newsroom.shop.rows(text("SELECT count(*) FROM webhook_deliveries"))[0][0] == 1
