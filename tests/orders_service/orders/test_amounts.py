"""Amounts are whole minor units, from the catalog to the mail, whatever a currency's minor unit is."""

import json
from typing import Any

import pytest

from tests.builders.orders import a_product, an_order
from tests.builders.shop import Shop


def no_fractions(text: str) -> Any:
    """Reads JSON, and fails on any number with a point or an exponent."""

    def refuse(number: str) -> float:
        raise AssertionError(number)

    return json.loads(text, parse_float=refuse)


@pytest.mark.parametrize(
    ("currency", "price", "total", "written"),
    [
        ("JPY", 1999, 5997, "5997 JPY"),
        ("KWD", 1999, 5997, "5.997 KWD"),
        ("EUR", 1999, 5997, "59.97 EUR"),
        ("KWD", 1, 3, "0.003 KWD"),
        ("JPY", 0, 0, "0 JPY"),
    ],
)
async def test_three_of_a_product_are_whole_minor_units_end_to_end(
    shop: Shop, currency: str, price: int, total: int, written: str
) -> None:
    await shop.offer(a_product("vase", price=price, currency=currency))
    response = await shop.api.post("/v1/orders", json=an_order(vase=3))
    placed = no_fractions(response.text)
    await shop.run_to_the_end()
    shown = no_fractions((await shop.api.get(f"/v1/orders/{placed['id']}")).text)
    assert placed["total"] == shown["total"] == {"amount": total, "currency": currency}
    assert type(shown["total"]["amount"]) is int
    assert shown["items"][0]["price"] == {"amount": price, "currency": currency}
    [(_, letter)] = shop.mail.confirmations
    assert f"Total: {written}" in letter.text


async def test_amounts_beyond_a_float_stay_exact(shop: Shop) -> None:
    exact = 2**53 - 1
    await shop.offer(a_product("palace", price=exact))
    response = await shop.api.post("/v1/orders", json=an_order(palace=1))
    assert no_fractions(response.text)["total"]["amount"] == exact
