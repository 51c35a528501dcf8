import pytest

from orders_service.reports import customers
from tests.builders.sales import NOON, a_sale, reported, sold
from tests.builders.shop import Shop


async def test_customers_are_ranked_by_what_they_have_spent_in_each_currency(shop: Shop) -> None:
    await sold(
        shop,
        a_sale(email="ada@example.com"),
        a_sale(email="Ada@Example.com", mug=2),
        a_sale(email="bob@example.com", mug=9),
        a_sale(email="bob@example.com", currency="USD"),
    )
    result = (await reported(shop, type="customers", since="2026-03-10", until="2026-03-10"))["result"]
    assert [(row["email"], row["orders"], *row["spent"].values()) for row in result["customers"]] == [
        ("bob@example.com", 1, 9000, "EUR"),
        ("ada@example.com", 2, 3000, "EUR"),
        ("bob@example.com", 1, 1000, "USD"),
    ]
    assert [(row["customers"], row["orders"], row["spent"]["amount"]) for row in result["totals"]] == [
        (2, 3, 12000),
        (1, 1, 1000),
    ]


async def test_who_has_not_bought_in_this_time_is_not_there(shop: Shop) -> None:
    await sold(shop, a_sale(NOON), a_sale(NOON, status="cancelled", email="bob@example.com"))
    result = (await reported(shop, type="customers", since="2026-03-11", until="2026-03-12"))["result"]
    assert (result["totals"], result["customers"]) == ([], [])


async def test_more_customers_than_fit_are_a_reason_that_is_told(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(customers, "MOST_COUNTED", 2)
    await sold(shop, *[a_sale(email=f"{name}@example.com") for name in ("ada", "bob", "cyd")])
    report = await reported(shop, type="customers", since="2026-03-10", until="2026-03-10")
    assert (report["state"], report["result"]) == ("rejected", None)
    assert report["error"] == "more than 2 customers have bought in this time: ask for less of it"


async def test_of_each_currency_only_the_first_customers_are_listed(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(customers, "MOST_CUSTOMERS", 1)
    buyers = [a_sale(email=f"{name}@example.com", currency=each) for name in ("ada", "bob") for each in ("EUR", "USD")]
    await sold(shop, *buyers)
    result = (await reported(shop, type="customers", since="2026-03-10", until="2026-03-10"))["result"]
    assert [(row["email"], row["spent"]["currency"]) for row in result["customers"]] == [
        ("ada@example.com", "EUR"),
        ("ada@example.com", "USD"),
    ]
    assert (result["customers_left_out"], [total["customers"] for total in result["totals"]]) == (2, [2, 2])
