import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.builders.catalog import adjust, balance, get
from tests.builders.hostile import REFUSALS, spoiled
from tests.builders.orders import an_order
from tests.builders.shop import Shop, open_shop

A_CHANGE = {"change": -3, "reason": "broken"}


async def history(shop: Shop, **query: Any) -> Any:
    response = await shop.api.get("/v1/products/mug/stock", params=query)
    assert response.status_code == 200, response.text
    return response.json()


async def test_an_adjustment_answers_the_product_and_what_was_written_down(shop: Shop) -> None:
    response = await adjust(shop, "mug", -3, "broken")
    answer = response.json()
    movement = answer.pop("movement")
    shown = await get(shop, "mug")
    assert (response.status_code, answer, response.headers["etag"]) == (200, shown.json(), shown.headers["etag"])
    assert {name: movement[name] for name in ("change", "reason", "actor")} == {**A_CHANGE, "actor": "admin"}
    assert (await history(shop))["items"][0] == movement
    assert balance(shop, "mug") == (97, 0, 0)


async def test_the_history_shows_where_everything_is(shop: Shop) -> None:
    await shop.placed(an_order(mug=2))
    await shop.settled()
    await adjust(shop, "mug", 5, "delivery")
    shown = await history(shop)
    assert {name: shown[name] for name in ("sku", "available", "reserved", "consumed", "removed_at")} == {
        "sku": "mug",
        "available": 103,
        "reserved": 2,
        "consumed": 0,
        "removed_at": None,
    }
    assert [(each["change"], each["reason"]) for each in shown["items"]] == [(5, "delivery"), (100, "first stock")]


async def test_the_history_comes_in_pages_newest_first(shop: Shop) -> None:
    for change in (1, 2, 3):
        await adjust(shop, "mug", change)
    first = await history(shop, limit=2)
    second = await history(shop, limit=2, cursor=first["next"])
    assert [each["change"] for each in first["items"] + second["items"]] == [3, 2, 1, 100]
    assert second["next"] is None
    other = await shop.api.get("/v1/products/lamp/stock", params={"cursor": first["next"]})
    assert other.status_code == 422


async def test_the_history_of_a_deleted_product_stays(shop: Shop) -> None:
    await shop.api.delete("/v1/products/mug")
    shown = await history(shop)
    assert shown["removed_at"] is not None
    assert len(shown["items"]) == 1


async def test_there_are_never_fewer_than_none(shop: Shop) -> None:
    refused = await adjust(shop, "mug", -101)
    assert (refused.status_code, refused.json()["code"]) == (409, "state-conflict")
    assert "100" in refused.json()["detail"]
    assert (balance(shop, "mug"), shop.count("audit_entries")) == ((100, 0, 0), 0)
    assert (await adjust(shop, "mug", -100)).json()["available"] == 0


async def test_there_are_never_more_than_can_be_counted(shop: Shop) -> None:
    assert (await adjust(shop, "mug", 2**53 - 1)).status_code == 409
    assert balance(shop, "mug") == (100, 0, 0)


async def test_a_repeated_adjustment_is_made_once(shop: Shop) -> None:
    first = await adjust(shop, "mug", -3, **{"Idempotency-Key": "once"})
    await adjust(shop, "mug", -1)
    again = await adjust(shop, "mug", -3, **{"Idempotency-Key": "once"})
    assert (again.status_code, again.content) == (200, first.content)
    assert (again.headers["idempotent-replayed"], again.headers.get("etag")) == ("true", None)
    assert balance(shop, "mug") == (96, 0, 0)


async def test_a_repetition_is_answered_although_its_tag_is_stale_by_now(shop: Shop) -> None:
    headers = {"Idempotency-Key": "once", "If-Match": (await get(shop, "mug")).headers["etag"]}
    first = await adjust(shop, "mug", -3, **headers)
    assert (await adjust(shop, "mug", -3, **headers)).content == first.content


async def test_the_same_key_with_another_change_is_refused(shop: Shop) -> None:
    await adjust(shop, "mug", -3, **{"Idempotency-Key": "once"})
    other = await adjust(shop, "mug", -4, **{"Idempotency-Key": "once"})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-conflict")
    assert (await adjust(shop, "lamp", -4, **{"Idempotency-Key": "once"})).status_code == 200  # another product


async def test_many_at_once_all_count(shop: Shop) -> None:
    answers = await asyncio.gather(*(adjust(shop, "mug", change) for change in [-2, 3] * 15))
    assert {answer.status_code for answer in answers} == {200}
    assert sorted(answer.json()["version"] for answer in answers) == list(range(2, 32))
    last = max(answers, key=lambda answer: answer.json()["version"])
    assert (last.json()["available"], balance(shop, "mug")) == (115, (115, 0, 0))


async def test_many_at_once_in_two_processes_all_count(postgres_url: str, tmp_path: Path) -> None:
    async with open_shop(postgres_url, tmp_path) as here, open_shop(postgres_url, tmp_path) as there:
        answers = await asyncio.gather(*(adjust(shop, "mug", 1) for shop in (here, there) * 15))
        said = [(answer.status_code, answer.json()["version"], answer.json()["available"]) for answer in answers]
        assert sorted(said) == [(200, 1 + number, 100 + number) for number in range(1, 31)]
        assert balance(here, "mug") == (130, 0, 0)


async def test_of_many_who_take_the_last_ones_some_are_refused(shop: Shop) -> None:
    answers = await asyncio.gather(*(adjust(shop, "mug", -30) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [200] * 3 + [409] * 7
    assert balance(shop, "mug") == (10, 0, 0)


@pytest.mark.parametrize("sku", ["sofa", "x" * 64])
async def test_what_is_unknown_cannot_be_adjusted(corner_shop: Shop, sku: str) -> None:
    assert (await adjust(corner_shop, sku, 1)).status_code == 404
    assert (await corner_shop.api.get(f"/v1/products/{sku}/stock")).status_code == 404


async def test_what_nobody_means_is_refused_and_nothing_stored(shop: Shop) -> None:
    for what, body in spoiled(A_CHANGE):
        headers = {"Content-Type": "application/json", "Idempotency-Key": "once"}
        response = await shop.api.post("/v1/products/mug/stock", content=body, headers=headers)
        assert response.status_code in REFUSALS, (what, response.text)
        assert response.headers["content-type"] == "application/problem+json"
    assert (balance(shop, "mug"), shop.count("stock_movements"), shop.count("idempotency")) == ((100, 0, 0), 2, 0)


@pytest.mark.parametrize(
    "fields", [{"change": 0}, {"change": 2**53}, {"change": -(2**53)}, {"change": 1.0}, {"reason": " "}]
)
async def test_values_out_of_range_are_refused(corner_shop: Shop, fields: dict[str, Any]) -> None:
    response = await corner_shop.api.post("/v1/products/mug/stock", json=A_CHANGE | fields)
    assert response.status_code == 422
    assert balance(corner_shop, "mug") == (100, 0, 0)


async def test_a_customer_neither_adjusts_nor_sees_the_history(corner_shop: Shop) -> None:
    ada = await corner_shop.client_of("ada")
    assert (await ada.post("/v1/products/mug/stock", json=A_CHANGE)).status_code == 403
    assert (await ada.get("/v1/products/mug/stock")).status_code == 403
