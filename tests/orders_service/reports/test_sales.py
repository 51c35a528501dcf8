from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orders_service.money import LARGEST_AMOUNT
from orders_service.orders import history
from tests.builders.orders import a_product
from tests.builders.sales import NOON, a_sale, reported, sold
from tests.builders.shop import Shop

SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)


def in_short(rows: list[Any]) -> list[tuple[Any, ...]]:
    return [(row["day"], row["orders"], row["units"], row["revenue"]["amount"]) for row in rows]


def products(report: Any) -> list[tuple[Any, ...]]:
    return [(row["sku"], row["units"], *row["revenue"].values()) for row in report["result"]["products"]]


async def test_sales_are_counted_by_day_and_by_product(shop: Shop) -> None:
    await sold(shop, a_sale(mug=2, lamp=1), a_sale(lamp=3), a_sale(NOON + 2 * DAY, mug=1))
    report = await reported(shop, since="2026-03-10", until="2026-03-12")
    days = [("2026-03-10", 2, 6, 6000), ("2026-03-11", 0, 0, 0), ("2026-03-12", 1, 1, 1000)]
    assert in_short(report["result"]["days"]) == days
    assert products(report) == [("lamp", 4, 4000, "EUR"), ("mug", 3, 3000, "EUR")]
    assert report["result"]["totals"] == [{"orders": 3, "units": 7, "revenue": {"amount": 7000, "currency": "EUR"}}]
    assert (report["state"], report["progress"]) == ("completed", {"done": 100, "total": 100})


async def test_an_order_that_was_placed_and_fulfilled_is_sold(shop: Shop) -> None:
    await shop.placed()
    await shop.run_to_the_end()
    assert (await reported(shop))["result"]["totals"][0]["orders"] == 1


@pytest.mark.parametrize("status", ["pending", "rejected", "failed", "cancelled"])
async def test_what_was_not_sold_is_not_counted(shop: Shop, status: str) -> None:
    await sold(shop, a_sale(status=status))
    assert (await reported(shop, since="2026-03-10", until="2026-03-10"))["result"]["totals"] == []


async def test_no_two_currencies_are_added(shop: Shop) -> None:
    await sold(shop, a_sale(mug=1), a_sale(currency="JPY", mug=5, price=7), a_sale(currency="KWD", lamp=1))
    report = await reported(shop, since="2026-03-10", until="2026-03-11")
    totals = [tuple(total["revenue"].values()) for total in report["result"]["totals"]]
    assert totals == [(1000, "EUR"), (35, "JPY"), (1000, "KWD")]
    assert products(report) == [("mug", 1, 1000, "EUR"), ("mug", 5, 35, "JPY"), ("lamp", 1, 1000, "KWD")]
    assert len(report["result"]["days"]) == 2 * 3


@pytest.mark.parametrize(
    ("day", "first", "last"),
    [
        ("2026-03-29", datetime(2026, 3, 28, 23, tzinfo=UTC), datetime(2026, 3, 29, 22, tzinfo=UTC)),
        ("2026-10-25", datetime(2026, 10, 24, 22, tzinfo=UTC), datetime(2026, 10, 25, 23, tzinfo=UTC)),
        ("2026-07-01", datetime(2026, 6, 30, 22, tzinfo=UTC), datetime(2026, 7, 1, 22, tzinfo=UTC)),
    ],
)
async def test_a_day_is_one_of_the_time_zone(shop: Shop, day: str, first: datetime, last: datetime) -> None:
    tick = timedelta(microseconds=1)
    outside = [a_sale(first - tick), a_sale(last)]
    await sold(shop, a_sale(first), a_sale(last - tick), *outside)
    report = await reported(shop, since=day, until=day, time_zone="Europe/Berlin")
    assert in_short(report["result"]["days"]) == [(day, 2, 2, 2000)]


async def test_moments_are_from_and_until_before(shop: Shop) -> None:
    await sold(shop, a_sale(NOON - SECOND), a_sale(NOON), a_sale(NOON + SECOND))
    report = await reported(shop, since="2026-03-10T12:00:00Z", until="2026-03-10T13:00:01+01:00")
    assert in_short(report["result"]["days"]) == [("2026-03-10", 1, 1, 1000)]


async def test_an_id_that_is_a_little_older_than_its_order_is_found(shop: Shop) -> None:
    midnight = datetime(2026, 3, 11, tzinfo=UTC)
    order, lines = a_sale(midnight - timedelta(milliseconds=3))
    await sold(shop, (order | {"created_at": midnight}, lines))
    report = await reported(shop, since="2026-03-10", until="2026-03-11")
    assert [day["orders"] for day in report["result"]["days"]] == [0, 1]


async def test_sums_may_be_larger_than_63_bits(shop: Shop) -> None:
    await sold(shop, *[a_sale(price=LARGEST_AMOUNT) for _ in range(1100)])
    report = await reported(shop, since="2026-03-10", until="2026-03-10")
    assert 1100 * LARGEST_AMOUNT > 2**63
    assert report["result"]["totals"][0]["revenue"]["amount"] == 1100 * LARGEST_AMOUNT
    assert products(report) == [("mug", 1100, 1100 * LARGEST_AMOUNT, "EUR")]


async def test_a_time_without_orders_is_an_empty_report(shop: Shop) -> None:
    await sold(shop, a_sale())
    report = await reported(shop, since="2020-01-01", until="2020-12-31")
    empty = {"type": "sales", "totals": [], "days": [], "products": [], "products_left_out": 0}
    assert (report["state"], report["result"]) == ("completed", empty)


async def test_a_product_has_the_name_of_the_catalog_if_it_is_there(shop: Shop) -> None:
    await shop.offer(a_product("lamp").model_copy(update={"name": "Lamp"}), a_product("vase"))
    await sold(shop, a_sale(vase=1), a_sale(gone=1))
    report = await reported(shop, since="2026-03-10", until="2026-03-10")
    assert {row["sku"]: row["name"] for row in report["result"]["products"]} == {"vase": "vase", "gone": None}


async def test_a_busy_day_is_read_in_parts_without_gaps_or_doubles(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "MOST_AT_ONCE", 3)
    await sold(shop, *[a_sale(NOON + place * SECOND) for place in range(10)])
    report = await reported(shop, since="2026-03-10", until="2026-03-10")
    assert in_short(report["result"]["days"]) == [("2026-03-10", 10, 10, 10000)]
