"""Lists of orders in one state, or of a time."""

from datetime import datetime, timedelta
from typing import Any

import httpx2
import pytest

from orders_service.gateways import WarehouseRefused
from orders_service.ids import first_id_at, new_id
from orders_service.orders import listing, queries
from tests.builders.callbacks import told
from tests.builders.orders import an_order
from tests.builders.shop import Shop
from tests.harness.plans import plan_of


async def listed(client: httpx2.AsyncClient, **query: Any) -> list[str]:
    """The ids on all pages."""
    found: list[str] = []
    while True:
        response = await client.get("/v1/orders", params=query)
        assert response.status_code == 200, response.text
        found += [order["id"] for order in response.json()["items"]]
        if response.json()["next"] is None:
            return found
        query["cursor"] = response.json()["next"]


async def one_of_each(shop: Shop) -> dict[str, str]:
    """An order in each state in which one may stay, by that state."""
    found: dict[str, str] = {}
    shop.warehouse.door.troubles = [WarehouseRefused("no")]
    found["failed"] = (await shop.placed())["id"]
    await shop.run_to_the_end()
    found["rejected"] = (await shop.placed(an_order(mug=101)))["id"]
    for word in ("shipped", "delivered"):
        order = await shop.placed()
        await shop.run_to_the_end()
        await told(shop, order, word)
        found[word] = order["id"]
    found["completed"] = (await shop.placed())["id"]
    await shop.run_to_the_end()
    for status in ("cancelled", "reserved"):
        shop.mail.door.close()
        found[status] = (await shop.placed())["id"]
        await shop.mail.door.until_somebody_waits()
        if status == "cancelled":
            await shop.api.post(f"/v1/orders/{found[status]}/cancel")
            await shop.settled()
    return found


async def test_each_state_finds_its_orders_and_no_others(shop: Shop) -> None:
    found = await one_of_each(shop)
    for status, order in found.items():
        assert await listed(shop.api, status=status) == [order], status
    for status in ("pending", "validated", "confirmed", "fulfilling"):
        assert await listed(shop.api, status=status) == []


async def test_several_states_are_listed_newest_first_in_pages(shop: Shop) -> None:
    found = await one_of_each(shop)
    wanted = ["failed", "shipped", "reserved", "delivered"]
    expected = sorted((found[status] for status in wanted), reverse=True)
    for limit in (1, 2, 50):
        assert await listed(shop.api, status=wanted, limit=limit) == expected


async def test_open_orders_are_found_behind_many_that_are_open_too(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "MOST_LOOKS", 2)
    shop.mail.door.close()
    order = await shop.placed()
    await shop.mail.door.until_somebody_waits()
    await shop.write("UPDATE runs SET step = 'notify_warehouse'")
    for _ in range(6):
        await shop.placed()
    assert await listed(shop.api, status="fulfilling", limit=1) == [order["id"]]


async def test_what_is_being_undone_is_no_longer_among_the_open(shop: Shop) -> None:
    shop.mail.door.close()
    order = await shop.placed()
    await shop.mail.door.until_somebody_waits()
    await shop.write("UPDATE runs SET ending = 'cancelled', reason = 'why'")
    assert (await shop.shown(order))["status"] == "cancelled"
    assert await listed(shop.api, status=["pending", "reserved"]) == []


async def test_an_owner_filters_among_their_own(shop: Shop) -> None:
    ada = await shop.client_of("ada")
    of_ada = await shop.placed(by=ada)
    await shop.placed()
    await shop.run_to_the_end()
    assert await listed(ada, status="completed") == [of_ada["id"]]
    assert len(await listed(shop.api, status="completed")) == 2


async def test_orders_of_a_time_are_found(shop: Shop) -> None:
    placed = []
    for _ in range(4):
        placed.append(await shop.placed())
        shop.clock.advance(timedelta(minutes=10))
    second, last = (placed[place]["created_at"] for place in (1, 3))
    inside = [order["id"] for order in placed[1:3][::-1]]
    assert await listed(shop.api, created_after=second, created_before=last) == inside
    assert await listed(shop.api, created_after=second, created_before=last, limit=1) == inside
    after_last = datetime.fromisoformat(last) + timedelta(seconds=1)
    assert await listed(shop.api, created_after=after_last.isoformat()) == []


@pytest.mark.parametrize(
    "query",
    [
        {"status": "lost"},
        {"status": ""},
        {"status": "FAILED"},
        {"status": ["failed"] * 12},
        {"created_after": "2026-11-28"},
        {"created_after": "2026-11-28T12:00:00"},
        {"created_after": "1764331200"},
        {"created_before": "yesterday"},
        {"created_before": "2026-11-28T12:00:00Z\x00"},
    ],
)
async def test_a_filter_that_nobody_means_is_refused(corner_shop: Shop, query: dict[str, Any]) -> None:
    response = await corner_shop.api.get("/v1/orders", params=query)
    assert (response.status_code, response.json()["code"]) == (422, "invalid-request")


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "1970-01-01T00:00:00Z"])
async def test_the_ends_of_the_calendar_are_times_too(corner_shop: Shop, moment: str) -> None:
    for name in ("created_after", "created_before"):
        assert (await corner_shop.api.get("/v1/orders", params={name: moment})).status_code == 200


async def test_a_cursor_is_bound_to_its_filter(shop: Shop) -> None:
    for _ in range(2):
        await shop.placed()
    await shop.run_to_the_end()
    page = (await shop.api.get("/v1/orders", params={"status": "completed", "limit": 1})).json()
    response = await shop.api.get("/v1/orders", params={"status": "failed", "cursor": page["next"]})
    assert response.status_code == 422


def test_ids_are_ordered_by_their_time() -> None:
    now = datetime.fromisoformat("2026-11-28T12:00:00+00:00")
    assert first_id_at(now, shifted_by=timedelta(days=-1)) < first_id_at(now)
    assert first_id_at(now) < new_id() or now > datetime.now(now.tzinfo)


async def test_each_state_is_a_range_of_an_index(corner_shop: Shop) -> None:
    after, before = new_id(), new_id()
    for statement in queries._finding(queries.Wanted(statuses=["failed", "pending"], from_id=after, before_id=before)):
        plan = plan_of(corner_shop.process.readers, statement, {"most": 10})
        assert "USING INDEX ix_orders_status_id (status=? AND id>? AND id<?)" in plan
        assert "TEMP B-TREE" not in plan


async def test_a_time_is_a_range_of_an_index(corner_shop: Shop) -> None:
    [statement] = queries._finding(queries.Wanted(principal="ada", from_id=new_id()))
    plan = plan_of(corner_shop.process.readers, statement, {"most": 10})
    assert "USING INDEX ix_orders_principal_id (principal=? AND id>?)" in plan
