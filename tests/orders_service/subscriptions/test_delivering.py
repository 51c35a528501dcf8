"""Events on their way to a real receiver: what arrives, how often, and what becomes of an endpoint that is down."""

import asyncio
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from pipelines import RunState
from tests.builders.orders import an_order
from tests.builders.subscriptions import UNKNOWN_SECRET, Newsroom, deliveries, open_newsroom, path_of, subscribed
from tests.harness.receiver import ACCEPT, ERROR, LOSE_REPLY, REDIRECT, Answer, always, first, webhook_receiver
from tests.harness.resolver import ScriptedResolver

GONE = Answer(status=410, body=b"go away")


def busy(seconds: str) -> Answer:
    return Answer(status=429, headers={"Retry-After": seconds}, body=b"later")


async def test_an_order_is_told_of_signed_and_without_who_it_is_for(newsroom: Newsroom) -> None:
    order = await newsroom.shop.placed(an_order(lamp=2))
    await newsroom.receiver.until_accepted(2)
    events = {sent.event["type"]: sent.event for sent in newsroom.receiver.deliveries}
    assert all(sent.valid for sent in newsroom.receiver.deliveries)
    accepted, completed = events["order.accepted"], events["order.completed"]
    items = [{"sku": "lamp", "quantity": 2, "price": {"amount": 1999, "currency": "EUR"}}]
    assert accepted["data"] == {
        "id": order["id"],
        "status": "pending",
        "items": items,
        "total": {"amount": 3998, "currency": "EUR"},
        "reason": None,
    }
    assert completed["data"] == accepted["data"] | {"status": "completed"}
    assert order["created_at"] <= accepted["timestamp"] <= completed["timestamp"]
    assert b"ada" not in b"".join(sent.body for sent in newsroom.receiver.deliveries)


async def test_every_attempt_has_the_same_id_and_bytes(newsroom: Newsroom) -> None:
    newsroom.receiver.behaviour = first(3, ERROR)
    await newsroom.sent_test()
    await newsroom.shop.run_to_the_end()
    sent = newsroom.receiver.deliveries
    assert len(sent) == 4
    assert len({(each.webhook_id, each.body) for each in sent}) == 1
    [delivery] = await newsroom.listed()
    assert (delivery["state"], delivery["attempts"], delivery["webhook_id"]) == ("delivered", 4, sent[0].webhook_id)


async def test_who_took_it_but_whose_answer_was_lost_gets_the_same_again(newsroom: Newsroom) -> None:
    newsroom.receiver.behaviour = first(1, LOSE_REPLY)
    await newsroom.sent_test()
    await newsroom.shop.run_to_the_end()
    [(webhook_id, sent)] = newsroom.receiver.accepted.items()
    assert len(sent) == 2
    assert sent[0].body == sent[1].body
    [delivery] = await newsroom.listed()
    details = (await newsroom.shop.api.get(path_of(newsroom.endpoint, "deliveries", delivery["id"]))).json()
    assert [(each["status"], each["outcome"]) for each in details["tries"]] == [(None, "retry"), (200, "success")]
    assert delivery["webhook_id"] == webhook_id


async def test_a_dead_endpoint_is_tried_ten_times_in_three_days_and_then_disabled(newsroom: Newsroom) -> None:
    newsroom.receiver.behaviour = always(ERROR)
    await newsroom.sent_test()
    await newsroom.shop.run_to_the_end()
    [delivery] = await newsroom.listed()
    details = (await newsroom.shop.api.get(path_of(newsroom.endpoint, "deliveries", delivery["id"]))).json()
    moments = [datetime.fromisoformat(each["started_at"]) for each in details["tries"]]
    waits = [round((after - before) / timedelta(seconds=1)) for before, after in pairwise(moments)]
    expected = [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400]
    assert all(0.8 * usual <= wait <= 1.15 * usual + 1 for wait, usual in zip(waits, expected, strict=True))
    assert (delivery["state"], delivery["last_status"]) == ("failed", 500)
    shown = await newsroom.shown()
    assert (shown["enabled"], shown["disabled_reason"]) == (False, "Nothing was accepted for days.")
    await newsroom.shop.placed()
    await newsroom.shop.run_to_the_end()
    assert len(newsroom.receiver.deliveries) == 10


async def test_an_endpoint_that_accepts_other_events_is_not_disabled(newsroom: Newsroom) -> None:
    newsroom.receiver.behaviour = lambda sent: ERROR if sent.event["type"] == "webhook.test" else ACCEPT
    await newsroom.sent_test()
    await newsroom.shop.placed()
    await newsroom.shop.run_to_the_end()
    [test] = [each for each in await newsroom.listed() if each["event_type"] == "webhook.test"]
    assert (test["state"], (await newsroom.shown())["enabled"]) == ("failed", True)


async def test_when_one_delivery_has_shown_that_it_is_dead_the_others_end_as_refusals(newsroom: Newsroom) -> None:
    newsroom.receiver.behaviour = always(ERROR)
    await newsroom.sent_test()
    await newsroom.later(hours=30)
    later = await newsroom.sent_test()
    await newsroom.shop.run_to_the_end()
    run = newsroom.shop.run(later)
    assert (run.state, run.reason) == (RunState.REJECTED, "the endpoint is disabled or gone")
    assert {each["state"] for each in await newsroom.listed()} == {"failed"}


async def test_who_answers_410_is_sent_nothing_more(newsroom: Newsroom) -> None:
    newsroom.receiver.behaviour = always(GONE)
    test = await newsroom.sent_test()
    assert newsroom.shop.run(test).state is RunState.REJECTED
    shown = await newsroom.shown()
    assert (shown["enabled"], shown["disabled_reason"]) == (False, "It answered 410 Gone.")
    [delivery] = await newsroom.listed()
    assert (delivery["state"], delivery["last_status"], delivery["last_response"]) == ("failed", 410, "go away")
    [entry] = (await newsroom.shop.api.get("/v1/audit", params={"action": "webhook_endpoint_disabled"})).json()["items"]
    assert (entry["actor_type"], entry["actor"]) == ("service", f"deliver-event/{test['run']['id']}")
    assert (await newsroom.shop.api.post(path_of(newsroom.endpoint, "test"))).status_code == 409


@pytest.mark.parametrize("status", [400, 404, 422, 500, 502])
async def test_only_a_2xx_is_success_and_all_else_is_tried_again(corner_newsroom: Newsroom, status: int) -> None:
    corner_newsroom.receiver.behaviour = first(1, Answer(status=status))
    await corner_newsroom.sent_test()
    [delivery] = await corner_newsroom.listed()
    assert (delivery["state"], delivery["last_status"]) == ("pending", status)
    assert delivery["next_attempt_at"] > delivery["created_at"]
    await corner_newsroom.shop.run_to_the_end()
    assert (await corner_newsroom.listed())[0]["state"] == "delivered"


async def test_a_redirect_is_not_followed(corner_newsroom: Newsroom) -> None:
    corner_newsroom.receiver.behaviour = first(1, REDIRECT)
    await corner_newsroom.sent_test()
    [sent] = corner_newsroom.receiver.deliveries
    assert sent.path == "/fulfillment"
    assert (await corner_newsroom.listed())[0]["last_status"] == 301


async def test_who_asks_for_a_pause_gets_it_and_no_attempt_is_spent(newsroom: Newsroom) -> None:
    newsroom.receiver.behaviour = first(20, busy("120"))
    await newsroom.sent_test()
    [delivery] = await newsroom.listed()
    assert (delivery["last_status"], delivery["last_response"]) == (429, "later")
    await newsroom.later(seconds=110)
    assert len(newsroom.receiver.deliveries) == 1
    await newsroom.later(seconds=11)
    assert len(newsroom.receiver.deliveries) == 2
    await newsroom.shop.run_to_the_end()
    assert (await newsroom.listed())[0]["state"] == "delivered"  # though ten attempts would not have been enough


async def test_what_waits_for_an_endpoint_that_is_removed_ends(newsroom: Newsroom) -> None:
    newsroom.receiver.behaviour = always(ERROR)
    test = await newsroom.sent_test()
    assert (await newsroom.shop.api.delete(path_of(newsroom.endpoint))).status_code == 204
    await newsroom.shop.run_to_the_end()
    assert newsroom.shop.run(test).state is RunState.REJECTED
    assert len(newsroom.receiver.deliveries) == 1


async def test_one_that_is_down_holds_up_no_other(newsroom: Newsroom) -> None:
    shop, closed = newsroom.shop, asyncio.Event()
    newsroom.receiver.behaviour = always(Answer(kept_until=closed))
    async with webhook_receiver(UNKNOWN_SECRET) as healthy:
        other = await subscribed(shop.api, "order.*", url=healthy.url)
        healthy.secret = other["secret"]
        for _ in range(6):
            await shop.placed()
        await healthy.until_accepted(12)
        assert len(newsroom.receiver.deliveries) == 4  # at once; the rest of what is for it waits in the journal
        closed.set()
        await shop.settled()
    assert {each["state"] for each in await deliveries(shop.api, other)} == {"delivered"}


async def test_after_a_restart_the_same_goes_out_again(migrated_url: str, tmp_path: Path) -> None:
    async with open_newsroom(migrated_url, tmp_path) as before:
        before.receiver.behaviour = always(ERROR)
        await before.sent_test()
        first_sent = before.receiver.deliveries[0]
    async with open_newsroom(migrated_url, tmp_path) as after:
        after.receiver.secret = before.endpoint["secret"]
        await after.shop.write("UPDATE webhook_endpoints SET url = :url", url=after.receiver.url)
        await after.later(seconds=6)
        [again] = after.receiver.deliveries
    assert (again.webhook_id, again.body, again.valid) == (first_sent.webhook_id, first_sent.body, True)


async def test_a_name_that_leads_inside_by_now_is_refused_for_good(migrated_url: str, tmp_path: Path) -> None:
    resolver = ScriptedResolver(["127.0.0.1"], ["10.0.0.1"])
    async with open_newsroom(migrated_url, tmp_path, resolver=resolver, host="hooks.test") as newsroom:
        await newsroom.sent_test()
        newsroom.forget_names()
        rebound = await newsroom.sent_test()
        run = newsroom.shop.run(rebound)
        assert (run.state, run.reason) == (RunState.REJECTED, "the address of the endpoint is none that we call")
        assert len(newsroom.receiver.deliveries) == 1


async def test_while_secrets_change_over_both_are_signed_with_and_then_the_new_one(newsroom: Newsroom) -> None:
    old = newsroom.endpoint["secret"]
    path = path_of(newsroom.endpoint, "rotate-secret")
    new = (await newsroom.shop.api.post(path, json={"overlap_hours": 2})).json()["secret"]
    assert new != old
    for secret in (old, new):
        newsroom.receiver.secret = secret
        await newsroom.sent_test()
    await newsroom.later(hours=2)
    for secret in (old, new):
        newsroom.receiver.secret = secret
        await newsroom.sent_test()
    assert [sent.valid for sent in newsroom.receiver.deliveries] == [True, True, False, True]


async def test_a_secret_that_has_leaked_can_be_dropped_at_once(corner_newsroom: Newsroom) -> None:
    path = path_of(corner_newsroom.endpoint, "rotate-secret")
    answer = (await corner_newsroom.shop.api.post(path, json={"overlap_hours": 0})).json()
    assert answer["former_secret_until"] is None
    await corner_newsroom.sent_test()
    assert [sent.valid for sent in corner_newsroom.receiver.deliveries] == [False]


async def test_what_waits_goes_to_where_the_endpoint_is_by_then_signed_with_what_it_has_by_then(
    corner_newsroom: Newsroom,
) -> None:
    shop, receiver = corner_newsroom.shop, corner_newsroom.receiver
    receiver.behaviour = first(1, ERROR)
    await corner_newsroom.sent_test()
    moved = receiver.url.replace("/fulfillment", "/moved")
    await shop.api.patch(path_of(corner_newsroom.endpoint), json={"url": moved})
    rotated = await shop.api.post(path_of(corner_newsroom.endpoint, "rotate-secret"), json={"overlap_hours": 0})
    receiver.secret = rotated.json()["secret"]
    await shop.run_to_the_end()
    assert [(sent.path, sent.valid) for sent in receiver.deliveries] == [("/fulfillment", True), ("/moved", True)]
