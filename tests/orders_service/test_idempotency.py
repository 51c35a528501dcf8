import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlmodel import select

from orders_service.idempotency import LONGEST_KEY, RememberedAnswer
from tests.builders.orders import a_product, an_order
from tests.builders.shop import Shop, open_shop


async def post(client: httpx2.AsyncClient, key: str | bytes | None, order: dict[str, Any] | None = None) -> Any:
    headers = {} if key is None else {"Idempotency-Key": key}
    return await client.post("/v1/orders", json=order or an_order(), headers=headers)  # type: ignore[arg-type] # bytes too


async def test_a_repeated_request_gets_the_same_bytes_and_no_second_order(shop: Shop) -> None:
    first = await post(shop.api, "abc")
    await shop.settled()
    second = await post(shop.api, "abc")
    assert (first.status_code, second.status_code) == (201, 201)
    assert (first.content, first.headers["location"]) == (second.content, second.headers["location"])
    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == "true"
    assert (shop.count("orders"), shop.count("runs")) == (1, 1)


async def test_without_a_key_each_request_is_an_order(shop: Shop) -> None:
    for _ in range(2):
        await post(shop.api, None)
    assert (shop.count("orders"), shop.count("idempotency")) == (2, 0)


async def test_the_same_key_with_another_body_is_refused(shop: Shop) -> None:
    await post(shop.api, "abc")
    other = await post(shop.api, "abc", an_order(mug=2))
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-conflict")
    assert shop.count("orders") == 1


async def test_a_body_that_means_the_same_is_the_same(shop: Shop) -> None:
    first = await post(shop.api, "abc")
    shuffled = dict(reversed(an_order().items()))
    shuffled["shipping_address"]["line2"] = None
    assert (await post(shop.api, "abc", shuffled)).content == first.content


async def test_a_replay_shows_what_was_answered_and_not_what_became_of_it(shop: Shop) -> None:
    order = (await post(shop.api, "abc")).json()
    await shop.write("UPDATE products SET price_amount = 1")
    await shop.settled()
    assert (await post(shop.api, "abc")).json() == order


async def test_another_principal_with_the_same_key_is_independent(shop: Shop) -> None:
    ada, bob = await shop.client_of("ada"), await shop.client_of("bob")
    answers = [(await post(client, "abc")).json()["id"] for client in (ada, bob, ada)]
    assert answers[0] == answers[2] != answers[1]


async def test_two_credentials_of_one_principal_share_its_keys(shop: Shop) -> None:
    laptop, phone = await shop.client_of("ada"), await shop.client_of("ada")
    assert (await post(laptop, "abc")).content == (await post(phone, "abc")).content


@pytest.mark.parametrize("key", ["abc", '"abc"', " abc ", ' "abc"'])
async def test_a_quoted_key_and_a_bare_one_are_equal(shop: Shop, key: str) -> None:
    await post(shop.api, "abc")
    assert (await post(shop.api, key)).headers["idempotent-replayed"] == "true"


@pytest.mark.parametrize(
    "key", ["", '""', " ", "x" * (LONGEST_KEY + 1), "schlüssel".encode(), "🔑".encode(), "a\tb", "a\x7fb"]
)
async def test_a_key_that_is_none_is_refused(corner_shop: Shop, key: str | bytes) -> None:
    answer = await post(corner_shop.api, key)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid-idempotency-key")
    assert corner_shop.count("orders") == 0


@pytest.mark.parametrize("key", ["x" * LONGEST_KEY, '"', "a b", "~!@#$%^&*()"])
async def test_any_other_printable_key_is_good(shop: Shop, key: str) -> None:
    first = await post(shop.api, key)
    assert (await post(shop.api, key)).content == first.content


async def test_of_a_hundred_requests_at_once_one_places_the_order(shop: Shop) -> None:
    answers = await asyncio.gather(*(post(shop.api, "abc") for _ in range(100)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert [answer.headers.get("idempotent-replayed") for answer in answers].count(None) == 1
    assert (shop.count("orders"), shop.count("runs")) == (1, 1)


@pytest.mark.parametrize("refused", [an_order(mug=0), an_order(sofa=1)], ids=["invalid", "unknown product"])
async def test_a_refused_request_leaves_its_key_usable(shop: Shop, refused: dict[str, Any]) -> None:
    assert (await post(shop.api, "abc", refused)).status_code == 422
    assert shop.count("idempotency") == 0
    assert (await post(shop.api, "abc")).status_code == 201


async def test_what_was_refused_may_be_repeated_when_it_can_be_done(shop: Shop) -> None:
    await post(shop.api, "abc", an_order(sofa=1))
    await shop.offer(a_product("sofa"))
    assert (await post(shop.api, "abc", an_order(sofa=1))).status_code == 201


async def test_a_transaction_that_fails_leaves_the_key_usable(own_shop: Shop) -> None:
    await own_shop.write("ALTER TABLE order_lines RENAME TO hidden")
    failed = await post(own_shop.api, "abc")
    await own_shop.write("ALTER TABLE hidden RENAME TO order_lines")
    assert failed.status_code in {500, 503}
    assert (own_shop.count("idempotency"), own_shop.count("runs")) == (0, 0)
    assert (await post(own_shop.api, "abc")).status_code == 201


async def test_an_answer_is_kept_for_a_day(shop: Shop) -> None:
    before = datetime.now(UTC)
    await post(shop.api, "abc")
    kept = shop.read(lambda session: session.exec(select(RememberedAnswer)).one())
    assert before <= kept.expires_at - timedelta(hours=24) <= datetime.now(UTC)


async def test_two_processes_that_race_for_one_key_place_one_order(postgres_url: str, tmp_path: Path) -> None:
    async with open_shop(postgres_url, tmp_path) as here, open_shop(postgres_url, tmp_path) as there:
        for key in map(str, range(20)):
            answers = await asyncio.gather(*(post(api, key) for api in (here.api, there.api) * 5))
            assert {answer.status_code for answer in answers} == {201}
            assert len({answer.content for answer in answers}) == 1
        assert here.count("orders") == 20
