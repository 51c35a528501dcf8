from collections.abc import Mapping
from typing import Any

import pytest

from orders_service.money import LARGEST_AMOUNT
from orders_service.orders.schemas import LARGEST_QUANTITY
from tests.builders.orders import a_product, an_order
from tests.builders.shop import Shop


async def refusal(shop: Shop, order: Mapping[str, Any]) -> Any:
    """The problem with which the order is refused; nothing of it is stored."""
    response = await shop.api.post("/v1/orders", json=order)
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    assert (shop.count("orders"), shop.count("order_lines"), shop.count("runs")) == (0, 0, 0)
    return response.json()


async def test_an_accepted_order_is_answered_whole(shop: Shop) -> None:
    await shop.offer(a_product("clock", price=4950))
    response = await shop.api.post("/v1/orders", json=an_order(clock=2, mug=1))
    order = response.json()
    assert response.status_code == 201
    assert response.headers["location"] == f"/v1/orders/{order['id']}"
    assert order["run"]["url"] == f"/v1/runs/{order['run']['id']}"
    assert order["created_at"].endswith("Z")
    assert {key: order[key] for key in ("status", "customer_email", "items", "total")} == {
        "status": "pending",
        "customer_email": "ada@example.com",
        "items": [
            {"sku": "clock", "quantity": 2, "price": {"amount": 4950, "currency": "EUR"}},
            {"sku": "mug", "quantity": 1, "price": {"amount": 1999, "currency": "EUR"}},
        ],
        "total": {"amount": 11899, "currency": "EUR"},
    }


async def test_what_is_answered_first_is_what_is_shown_later(shop: Shop) -> None:
    order = await shop.placed(an_order(lamp=1, mug=3))
    await shop.settled()
    assert await shop.shown(order) == {**order, "status": "completed"}


async def test_lines_stay_in_the_order_in_which_they_were_placed(shop: Shop) -> None:
    order = await shop.placed(an_order(mug=1, lamp=1))
    assert [item["sku"] for item in (await shop.shown(order))["items"]] == ["mug", "lamp"]


async def test_unknown_products_are_refused_line_by_line(shop: Shop) -> None:
    problem = await refusal(shop, an_order(sofa=1, mug=1, throne=1))
    assert [flaw["pointer"] for flaw in problem["errors"]] == ["/items/0/sku", "/items/2/sku"]
    assert "sofa" not in str(problem)


async def test_an_order_in_two_currencies_is_refused(shop: Shop) -> None:
    await shop.offer(a_product("scone", currency="GBP"))
    assert "EUR, GBP" in (await refusal(shop, an_order(mug=1, scone=1)))["detail"]


async def test_a_total_beyond_what_json_carries_is_refused(shop: Shop) -> None:
    await shop.offer(a_product("palace", price=LARGEST_AMOUNT))
    assert "larger than" in (await refusal(shop, an_order(palace=2)))["detail"]


async def test_the_largest_total_is_exact(shop: Shop) -> None:
    await shop.offer(a_product("palace", price=LARGEST_AMOUNT - 1999))
    order = await shop.placed(an_order(palace=1, mug=1))
    assert (await shop.shown(order))["total"]["amount"] == LARGEST_AMOUNT


async def test_the_largest_quantity_is_stored(shop: Shop) -> None:
    order = await shop.placed(an_order(mug=LARGEST_QUANTITY))
    assert (await shop.shown(order))["items"][0]["quantity"] == LARGEST_QUANTITY


@pytest.mark.parametrize("text", ["Ærøskøbing", "e\u0301", "日本", "'; DROP TABLE orders; --", "😀"])
async def test_addresses_come_back_as_they_were_meant(shop: Shop, text: str) -> None:
    order = an_order()
    order["shipping_address"]["city"] = text
    shown = await shop.shown(await shop.placed(order))
    assert shown["shipping_address"]["city"] == {"e\u0301": "é"}.get(text, text)


async def test_what_is_wrong_with_a_body_is_said_by_pointer_and_never_quoted(shop: Shop) -> None:
    problem = await refusal(shop, {**an_order(items=[{"sku": "mug", "quantity": "four"}]), "status": "completed"})
    assert {flaw["pointer"] for flaw in problem["errors"]} == {"/items/0/quantity", "/status"}
    assert "four" not in str(problem)
