import base64
import json
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from tests.builders.shop import Shop


async def page(client: httpx2.AsyncClient, **query: Any) -> Any:
    response = await client.get("/v1/orders", params=query)
    assert response.status_code == 200, response.text
    return response.json()


async def test_pages_have_neither_gaps_nor_doubles_while_new_orders_come(shop: Shop) -> None:
    placed = [(await shop.placed())["id"] for _ in range(5)]
    seen, cursor = [], None
    while True:
        shown = await page(shop.api, limit=2, **({"cursor": cursor} if cursor else {}))
        seen += [order["id"] for order in shown["items"]]
        await shop.placed()
        if (cursor := shown["next"]) is None:
            break
    assert seen == placed[::-1]


async def test_a_full_last_page_is_the_last(shop: Shop) -> None:
    for _ in range(2):
        await shop.placed()
    assert (await page(shop.api, limit=2))["next"] is None


async def test_there_is_a_list_before_the_first_order(shop: Shop) -> None:
    assert await page(shop.api) == {"items": [], "next": None}


async def test_a_list_shows_orders_as_they_are_shown_alone(shop: Shop) -> None:
    order = await shop.placed()
    await shop.settled()
    assert (await page(shop.api))["items"] == [await shop.shown(order)]


@pytest.mark.parametrize("limit", ["0", "-1", "201", "1.5", "ten", "", "9" * 30])
async def test_a_page_has_between_1_and_200_orders(corner_shop: Shop, limit: str) -> None:
    response = await corner_shop.api.get("/v1/orders", params={"limit": limit})
    assert response.status_code == 422
    assert [flaw["pointer"] for flaw in response.json()["errors"]] == ["/limit"]


async def test_a_cursor_is_good_for_the_list_it_was_given_for_only(shop: Shop) -> None:
    ada = await shop.client_of("ada")
    for _ in range(2):
        await shop.placed(by=ada)
    cursor = (await page(ada, limit=1))["next"]
    assert (await shop.api.get("/v1/orders", params={"cursor": cursor})).status_code == 422
    assert len((await page(ada, cursor=cursor))["items"]) == 1


@pytest.mark.parametrize(
    "cursor",
    ["", "x", "äöü", "%00", "a" * 501, base64.urlsafe_b64encode(json.dumps(["1", "orders of None"]).encode()).decode()],
)
async def test_a_cursor_that_was_made_up_is_refused(corner_shop: Shop, cursor: str) -> None:
    assert (await corner_shop.api.get("/v1/orders", params={"cursor": cursor})).status_code == 422


async def test_an_owner_sees_their_own_orders_and_an_admin_all(shop: Shop) -> None:
    ada, bob = await shop.client_of("ada"), await shop.client_of("bob")
    boss = await shop.client_of("boss", is_admin=True)
    of_ada, of_bob = await shop.placed(by=ada), await shop.placed(by=bob)
    listed = [[order["id"] for order in (await page(client))["items"]] for client in (ada, bob, boss, shop.api)]
    everything = [of_bob["id"], of_ada["id"]]
    assert listed == [[of_ada["id"]], [of_bob["id"]], everything, everything]


@pytest.mark.parametrize(("method", "suffix"), [("GET", ""), ("POST", "/cancel")])
async def test_somebody_elses_order_is_answered_like_a_missing_one(shop: Shop, method: str, suffix: str) -> None:
    order, bob = await shop.placed(), await shop.client_of("bob")
    answers = [
        await bob.request(method, f"/v1/orders/{order_id}{suffix}", headers={"X-Request-Id": "same"})
        for order_id in (order["id"], uuid4())
    ]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].content == answers[1].content
    assert answers[0].headers == answers[1].headers


@pytest.mark.parametrize("order_id", ["order-1", "x" * 36, "%00", "0" * 33])
async def test_an_id_that_is_none_is_refused_without_being_quoted(corner_shop: Shop, order_id: str) -> None:
    response = await corner_shop.api.get(f"/v1/orders/{order_id}")
    assert response.status_code in {404, 422}
    assert order_id not in response.text


async def test_an_unknown_parameter_is_refused(corner_shop: Shop) -> None:
    assert (await corner_shop.api.get("/v1/orders", params={"offset": 3})).status_code == 422
