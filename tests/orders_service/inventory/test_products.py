import asyncio
from typing import Any

import pytest

from orders_service.money import LARGEST_AMOUNT
from tests.builders.catalog import a_draft, adjust, balance, get, listed, put
from tests.builders.hostile import REFUSALS, spoiled
from tests.builders.orders import an_order
from tests.builders.shop import Shop


async def test_a_product_is_created_and_shown_as_it_was_answered(shop: Shop) -> None:
    created = await put(shop, available=7)
    assert (created.status_code, created.headers["location"]) == (201, "/v1/products/sofa")
    shown = await get(shop)
    assert (shown.status_code, shown.json()) == (200, created.json())
    assert shown.headers["etag"] == created.headers["etag"]
    product = {name: shown.json()[name] for name in ("sku", "name", "price", "available", "version")}
    assert product == {"sku": "sofa", **a_draft(available=7), "version": 1}
    assert balance(shop, "sofa") == (7, 0, 0)


async def test_a_product_is_replaced(shop: Shop) -> None:
    await put(shop)
    replaced = await put(shop, price=2499, available=9, name="Big sofa")
    assert (replaced.status_code, (await get(shop)).json()) == (200, replaced.json())
    assert replaced.json() == {
        "sku": "sofa",
        "name": "Big sofa",
        "price": {"amount": 2499, "currency": "EUR"},
        "version": 2,
        "updated_at": replaced.json()["updated_at"],
        "available": 9,
    }
    assert balance(shop, "sofa") == (9, 0, 0)


async def test_saying_the_same_again_changes_nothing(shop: Shop) -> None:
    first, again = await put(shop), await put(shop)
    assert (again.status_code, again.json(), again.headers["etag"]) == (200, first.json(), first.headers["etag"])
    assert (shop.count("audit_entries"), shop.count("stock_movements")) == (1, 3)  # two came with the shelf


async def test_what_is_held_stays_held_when_a_product_is_replaced(shop: Shop) -> None:
    await put(shop, available=10)
    await shop.placed(an_order(sofa=4))
    await shop.settled()
    await put(shop, available=50)
    assert balance(shop, "sofa") == (50, 4, 0)


async def test_a_deleted_product_is_neither_shown_nor_sold(shop: Shop) -> None:
    await put(shop)
    assert (await shop.api.delete("/v1/products/sofa")).status_code == 204
    answers = [await get(shop), await shop.api.delete("/v1/products/sofa"), await adjust(shop, "sofa", 1)]
    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert "sofa" not in [product["sku"] for product in (await listed(shop))["items"]]
    refused = await shop.api.post("/v1/orders", json=an_order(mug=1, sofa=1))
    assert [flaw["pointer"] for flaw in refused.json()["errors"]] == ["/items/1/sku"]


async def test_an_order_in_flight_keeps_the_stock_of_a_deleted_product(shop: Shop) -> None:
    await put(shop, available=7)
    shop.mail.door.close()
    order = await shop.placed(an_order(sofa=2))
    await shop.mail.door.until_somebody_waits()
    await shop.api.delete("/v1/products/sofa")
    shop.mail.door.open()
    await shop.settled()
    assert ((await shop.shown(order))["status"], balance(shop, "sofa")) == ("completed", (5, 2, 0))


async def test_an_order_that_is_undone_gives_back_the_stock_of_a_deleted_product(shop: Shop) -> None:
    await put(shop, available=7)
    shop.mail.door.close()
    order = await shop.placed(an_order(sofa=2))
    await shop.mail.door.until_somebody_waits()
    await shop.api.delete("/v1/products/sofa")
    await shop.api.post(f"/v1/orders/{order['id']}/cancel")
    await shop.settled()
    assert balance(shop, "sofa") == (7, 0, 0)


async def test_a_put_brings_a_deleted_product_back_under_a_tag_of_its_own(shop: Shop) -> None:
    first = await put(shop, available=7)
    await shop.api.delete("/v1/products/sofa")
    again = await put(shop, available=7)
    assert again.status_code == 201
    assert again.headers["etag"] != first.headers["etag"]
    assert again.json()["version"] == 3
    assert (await shop.placed(an_order(sofa=1)))["total"]["amount"] == 1999


async def test_of_many_who_create_at_once_one_creates_and_the_others_replace(shop: Shop) -> None:
    answers = await asyncio.gather(*(put(shop, available=count) for count in range(1, 11)))
    assert sorted(answer.status_code for answer in answers) == [200] * 9 + [201]
    last = max(answers, key=lambda answer: answer.json()["version"])
    assert (last.json()["version"], (await get(shop)).json()) == (10, last.json())
    balance(shop, "sofa")


async def test_an_order_pays_the_price_that_was_answered_before_it(shop: Shop) -> None:
    await put(shop)
    for price in (1, 20, 300):
        await put(shop, price=price)
        assert (await shop.placed(an_order(sofa=1)))["total"]["amount"] == price


@pytest.mark.parametrize("fields", [{"price": LARGEST_AMOUNT}, {"available": 2**53 - 1}, {"name": "x" * 200}])
async def test_the_largest_values_are_stored(shop: Shop, fields: dict[str, Any]) -> None:
    created = await put(shop, **fields)
    assert created.status_code == 201
    assert (await get(shop)).json() == created.json()


@pytest.mark.parametrize(("said", "shown"), [("Sofá", "Sofá"), ("e\u0301", "é"), ("日本 😀", "日本 😀")])
async def test_names_come_back_as_they_were_meant(shop: Shop, said: str, shown: str) -> None:
    assert (await put(shop, name=said)).json()["name"] == shown
    assert (await get(shop)).json()["name"] == shown


async def test_what_nobody_means_is_refused_and_nothing_stored(shop: Shop) -> None:
    bodies = dict(spoiled(a_draft()))
    bodies |= {f"price.{what}": wrapped(body) for what, body in spoiled(a_draft()["price"])}
    for what, body in bodies.items():
        response = await shop.api.put("/v1/products/sofa", content=body, headers={"Content-Type": "application/json"})
        assert response.status_code in REFUSALS, (what, response.text)
        assert response.headers["content-type"] == "application/problem+json"
    assert (shop.count("products"), shop.count("audit_entries")) == (2, 0)


def wrapped(price: bytes) -> bytes:
    return b'{"name": "Sofa", "available": 7, "price": ' + (price or b"x") + b"}"


@pytest.mark.parametrize(
    "fields",
    [
        {"price": -1},
        {"currency": "eur"},
        {"available": -1},
        {"available": 2**53},
        {"available": 1.5},
        {"available": "7"},
        {"name": ""},
        {"name": "  "},
        {"name": "x" * 201},
        {"name": "a\u202eb"},
    ],
)
async def test_values_out_of_range_are_refused(corner_shop: Shop, fields: dict[str, Any]) -> None:
    assert (await put(corner_shop, **fields)).status_code == 422
    assert corner_shop.count("products") == 2


@pytest.mark.parametrize("sku", ["-sofa", "so fa", "x" * 65, "s%00", "ä", "sofa%0A", "%ED%A0%80"])
async def test_a_sku_that_is_none_is_refused_without_being_quoted(shop: Shop, sku: str) -> None:
    for method in ("GET", "PUT", "DELETE"):
        response = await shop.api.request(method, f"/v1/products/{sku}", json=a_draft() if method == "PUT" else None)
        assert response.status_code in {404, 422}
        assert sku not in response.text
    assert shop.count("products") == 2


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_a_customer_changes_no_product(corner_shop: Shop, method: str) -> None:
    ada = await corner_shop.client_of("ada")
    response = await ada.request(method, "/v1/products/mug", json=a_draft() if method == "PUT" else None)
    assert (response.status_code, response.json()["code"]) == (403, "forbidden")
    assert (await ada.get("/v1/products/mug")).json()["name"] == "mug"


async def test_what_was_done_is_in_the_audit(shop: Shop) -> None:
    await put(shop, available=7)
    await put(shop, price=5, available=7)
    await adjust(shop, "sofa", -3, "lost")
    await shop.api.delete("/v1/products/sofa")
    entries = (await shop.api.get("/v1/audit", params={"subject_id": "sofa", "subject_type": "product"})).json()[
        "items"
    ]
    assert [(entry["action"], entry["before"], entry["after"]) for entry in entries[::-1]] == [
        ("product_created", None, a_draft(available=7)),
        (
            "product_replaced",
            {"price": {"amount": 1999, "currency": "EUR"}},
            {"price": {"amount": 5, "currency": "EUR"}},
        ),
        ("stock_adjusted", {"available": 7}, {"available": 4, "change": -3, "reason": "lost"}),
        ("product_deleted", a_draft(price=5, available=4), None),
    ]
