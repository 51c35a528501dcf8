from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from orders_service.ids import first_id_at, new_id
from orders_service.orders import history, queries, sales_queries
from pipelines.journal import open_for_reading
from tests.builders.sales import NOON, a_sale, sold
from tests.builders.shop import Shop
from tests.harness.plans import plan_of

HOUR = timedelta(hours=1)


def parts(shop: Shop, since: datetime, until: datetime) -> list[history.Part]:
    return shop.read(lambda session: list(history.parts_of(session, since, until)))


def orders_in(shop: Shop, part: history.Part) -> int:
    (sales,) = shop.read(lambda session: history.sales_in(session, part))
    return sales.orders


async def test_a_time_without_orders_is_one_part(shop: Shop) -> None:
    assert len(parts(shop, NOON, NOON + HOUR)) == 1


@pytest.mark.parametrize(("count", "expected"), [(3, [3]), (4, [3, 1]), (6, [3, 3]), (7, [3, 3, 1])])
async def test_parts_follow_each_other(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, count: int, expected: list[int]
) -> None:
    monkeypatch.setattr(history, "MOST_AT_ONCE", 3)
    await sold(shop, *[a_sale(NOON + place * timedelta(minutes=5)) for place in range(count)])
    found = parts(shop, NOON, NOON + HOUR)
    assert [part.low for part in found[1:]] == [part.high for part in found[:-1]]
    assert [orders_in(shop, part) for part in found] == expected


def test_ids_are_ordered_by_their_time() -> None:
    before, now, after = datetime.now(UTC), new_id(), datetime.now(UTC) + timedelta(milliseconds=1)
    assert first_id_at(before) < now < first_id_at(after)


async def test_both_databases_order_ids_as_python_does(shop: Shop) -> None:
    moments = [
        datetime(2000, 1, 1, tzinfo=UTC),
        NOON,
        datetime(2026, 11, 28, tzinfo=UTC),
        datetime(2999, 1, 1, tzinfo=UTC),
    ]
    await sold(shop, *[a_sale(moment) for moment in (moments[2], moments[0], moments[3], moments[1])])
    found = shop.read(lambda session: [order.created_at for order in queries.newest(session, queries.Wanted(), most=9)])
    assert found == moments[::-1]
    for moment in moments:
        (part,) = parts(shop, moment, moment + HOUR)
        assert orders_in(shop, part) == 1


@pytest.mark.parametrize(
    "statement", [sales_queries._BOUNDARY, sales_queries._SOLD_BY_CURRENCY, sales_queries._SOLD_BY_PRODUCT]
)
async def test_the_primary_key_finds_the_orders_of_a_time(shop: Shop, statement: Any) -> None:
    await sold(shop, *[a_sale(NOON + place * HOUR) for place in range(3000)])
    url = str(shop.process.readers.url.render_as_string(hide_password=False))
    await shop.write("ANALYZE orders")
    engine = open_for_reading(url, connections=1)
    try:
        part = history.Part(first_id_at(NOON), first_id_at(NOON + 9 * HOUR), NOON, NOON + 9 * HOUR)
        plan = plan_of(engine, statement, part.bound | {"most": 5000})
    finally:
        engine.dispose()
    ranges = (
        "sqlite_autoindex_orders_1 (id>? AND id<?)",
        "ix_orders_status_id (status=? AND id>? AND id<?)",
        "pk_orders",
    )
    assert any(each in plan for each in ranges), plan
    assert "SCAN orders" not in plan
    assert "Seq Scan on orders" not in plan


def test_an_id_is_bounded_to_the_millisecond() -> None:
    assert first_id_at(datetime(1970, 1, 1, tzinfo=UTC)) == UUID(int=0)
    assert (
        first_id_at(NOON)
        == first_id_at(NOON + timedelta(microseconds=999))
        < first_id_at(NOON + timedelta(milliseconds=1))
    )
