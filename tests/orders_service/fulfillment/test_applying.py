"""What becomes of an order when the warehouse speaks of it, in whatever order it does."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from orders_service.gateways import MailRefused, MailUnavailable, WarehouseRefused, WarehouseUnavailable
from pipelines import RunState
from pipelines.journal import reaping
from tests.builders.callbacks import NOON, an_event, audited, completed, send, told
from tests.builders.orders import an_order
from tests.builders.shop import Shop, open_shop

TRACKING = {"carrier": "DHL", "number": "00340434161094042557"}
STATES = text("SELECT pipeline, state FROM runs")
RUNS = text("SELECT run_id FROM fulfillment_events ORDER BY run_id")
LATER = NOON + timedelta(hours=1)


async def status(shop: Shop, order: Any) -> str:
    return str((await shop.shown(order))["status"])


async def put_off(shop: Shop, events: int) -> None:
    """Until so many events wait for the run of their order, which is held at the warehouse's door."""
    async with asyncio.timeout(30):
        while [state for _, state in shop.rows(STATES)].count(RunState.WAITING) < events:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)


async def test_a_shipped_order_has_left_the_shelf_and_its_customer_knows(shop: Shop) -> None:
    order = await completed(shop, an_order(mug=3))
    await told(shop, order, tracking=TRACKING)
    await shop.run_to_the_end()
    shown = await shop.shown(order)
    assert (shown["status"], shown["shipped_at"], shown["tracking"]) == ("shipped", "2026-11-28T12:00:00Z", TRACKING)
    assert (shop.shelf("mug"), shop.count("stock_holds")) == ((97, 0), 0)
    [letter] = shop.mail.notices
    assert (letter.to, letter.subject) == ("ada@example.com", f"We have shipped your order {order['id']}")
    assert "number: 00340434161094042557" in letter.text


async def test_a_delivered_order_was_shipped_before(shop: Shop) -> None:
    order = await completed(shop, an_order(mug=3))
    await told(shop, order)
    await told(shop, order, "delivered", at=LATER)
    await shop.run_to_the_end()
    shown = await shop.shown(order)
    assert (shown["status"], shown["delivered_at"]) == ("delivered", "2026-11-28T13:00:00Z")
    assert shop.shelf("mug") == (97, 0)


async def test_an_order_that_is_delivered_stays_so_when_its_shipping_is_heard_of_late(shop: Shop) -> None:
    order = await completed(shop, an_order(mug=3))
    await told(shop, order, "delivered", at=LATER)
    await shop.run_to_the_end()
    assert (await status(shop, order), shop.shelf("mug")) == ("delivered", (97, 0))
    await told(shop, order, tracking=TRACKING)
    await shop.run_to_the_end()
    shown = await shop.shown(order)
    assert (shown["status"], shown["shipped_at"], shown["tracking"]) == ("delivered", "2026-11-28T12:00:00Z", TRACKING)
    assert (shop.shelf("mug"), shop.mail.notices) == ((97, 0), [])


async def test_of_two_tracking_numbers_the_newer_counts_whenever_it_comes(shop: Shop) -> None:
    order = await completed(shop)
    for number, at in (("1", NOON), ("3", NOON + timedelta(minutes=3)), ("2", NOON + timedelta(minutes=2))):
        await told(shop, order, at=at, tracking={"number": number})
    await shop.run_to_the_end()
    assert (await shop.shown(order))["tracking"] == {"number": "3"}
    assert len(shop.mail.notices) == 1


async def test_a_refused_order_is_undone_and_its_customer_is_told(shop: Shop) -> None:
    order = await completed(shop, an_order(mug=3))
    await told(shop, order, "refused", reason="damaged in the warehouse")
    await shop.run_to_the_end()
    shown = await shop.shown(order)
    reason = "the warehouse refused it: damaged in the warehouse"
    assert (shown["status"], shown["reason"]) == ("rejected", reason)
    assert (shop.shelf("mug"), shop.count("stock_holds")) == ((100, 0), 0)
    [letter] = shop.mail.notices
    assert letter.subject == f"We cannot deliver your order {order['id']}"
    assert reason in letter.text


@pytest.mark.parametrize(
    ("first", "then", "stays"),
    [
        ("shipped", "refused", "shipped"),
        ("delivered", "shipped", "delivered"),
        ("delivered", "refused", "delivered"),
        ("refused", "shipped", "rejected"),
        ("refused", "delivered", "rejected"),
        ("refused", "refused", "rejected"),
        ("shipped", "shipped", "shipped"),
    ],
)
@pytest.mark.parametrize("hours", [-1, 1], ids=["older", "newer"])
async def test_no_event_moves_an_order_back(shop: Shop, first: str, then: str, stays: str, hours: int) -> None:
    order = await completed(shop, an_order(mug=3))
    await told(shop, order, first)
    await shop.run_to_the_end()
    shelf = shop.shelf("mug")
    await told(shop, order, then, at=NOON + timedelta(hours=hours))
    await shop.run_to_the_end()
    assert (await status(shop, order), shop.shelf("mug")) == (stays, shelf)
    assert audited(shop, order) == [
        ("warehouse", f"order_{first}", "done"),
        ("warehouse", f"order_{then}", "ignored"),
    ]


@pytest.mark.parametrize("word", ["shipped", "delivered", "refused"])
async def test_an_event_for_an_order_that_was_cancelled_is_written_down_and_not_applied(shop: Shop, word: str) -> None:
    shop.mail.door.close()
    order = await shop.placed(an_order(mug=3))
    await shop.mail.door.until_somebody_waits()
    await shop.api.post(f"/v1/orders/{order['id']}/cancel")
    shop.mail.door.open()
    await shop.run_to_the_end()
    await told(shop, order, word)
    await shop.run_to_the_end()
    assert (await status(shop, order), shop.shelf("mug")) == ("cancelled", (100, 0))
    assert audited(shop, order)[-1] == ("warehouse", f"order_{word}", "ignored")


async def test_an_event_that_is_quicker_than_our_own_run_waits_for_it(shop: Shop) -> None:
    shop.warehouse.door.close()
    order = await shop.placed(an_order(mug=3))
    await shop.warehouse.door.until_somebody_waits()
    await told(shop, order)
    await told(shop, order, "delivered", at=LATER)
    await put_off(shop, 1)  # and the second stands behind the first
    assert (await status(shop, order), shop.shelf("mug")) == ("fulfilling", (97, 3))
    shop.warehouse.door.open()
    await shop.run_to_the_end()
    assert (await status(shop, order), shop.shelf("mug")) == ("delivered", (97, 0))
    assert [letter.subject.split()[2] for letter in shop.mail.notices] == ["shipped"]


async def test_an_event_that_was_quicker_is_not_lost_when_the_process_dies(migrated_url: str, tmp_path: Path) -> None:
    async with open_shop(migrated_url, tmp_path) as shop:
        shop.warehouse.door.close()
        order = await shop.placed(an_order(mug=3))
        await shop.warehouse.door.until_somebody_waits()
        await told(shop, order)
        await put_off(shop, 1)
    async with open_shop(migrated_url, tmp_path) as shop:
        await shop.run_to_the_end()
        assert (await status(shop, order), shop.shelf("mug")) == ("shipped", (97, 0))


async def test_an_event_for_an_order_that_then_failed_is_written_down_and_not_applied(shop: Shop) -> None:
    shop.warehouse.door.close()
    shop.warehouse.door.troubles = [WarehouseRefused("no such article")]
    order = await shop.placed(an_order(mug=3))
    await shop.warehouse.door.until_somebody_waits()
    await told(shop, order)
    shop.warehouse.door.open()
    await shop.run_to_the_end()
    assert (await status(shop, order), shop.shelf("mug")) == ("failed", (100, 0))
    assert audited(shop, order) == [("warehouse", "order_shipped", "ignored")]


async def test_where_the_warehouse_could_not_be_told_to_forget_it_nothing_is_decided(shop: Shop) -> None:
    shop.warehouse.door.troubles = [WarehouseUnavailable("perhaps")] * 8
    shop.warehouse.back_door.troubles = [WarehouseRefused("it has left")]
    order = await shop.placed(an_order(mug=3))
    await shop.run_to_the_end()
    assert await status(shop, order) == "failed"
    await told(shop, order)
    await shop.settled()
    assert (await status(shop, order), audited(shop, order)) == ("failed", [])
    [letter] = shop.mail.notices
    assert "Nothing will be shipped" not in letter.text
    await shop.process.write(shop.process.steering.retry_undo, shop.run(order).id, actor="ops")
    await shop.run_to_the_end()
    assert audited(shop, order) == [("warehouse", "order_shipped", "ignored")]


async def test_while_its_run_is_in_quarantine_nothing_is_decided(shop: Shop) -> None:
    shop.warehouse.door.close()
    order = await shop.placed(an_order(mug=3))
    await shop.warehouse.door.until_somebody_waits()
    await shop.write("UPDATE orders SET status = 'failed'")  # as at_end of a quarantine would
    await shop.write("UPDATE runs SET state = 'quarantined', owner = NULL WHERE pipeline = 'fulfill-order'")
    await told(shop, order)
    await put_off(shop, 1)
    assert (await status(shop, order), audited(shop, order)) == ("failed", [])
    shop.warehouse.door.open()
    await shop.settled()  # it was taken from this process, which is to have noticed before it gets it back
    await shop.process.write(shop.process.steering.retry, shop.run(order).id, actor="ops")
    await shop.run_to_the_end()
    assert (await status(shop, order), shop.shelf("mug")) == ("shipped", (97, 0))


async def test_a_mail_server_that_is_away_keeps_no_event_waiting(shop: Shop) -> None:
    order = await completed(shop)
    shop.mail.back_door.troubles = [MailUnavailable("busy")]
    await told(shop, order)
    await told(shop, order, "delivered", at=LATER)
    await shop.settled()
    assert await status(shop, order) == "delivered"
    await shop.run_to_the_end()
    assert len(set(shop.mail.notices)) == 1
    assert len(shop.mail.notices) == 2


async def test_an_address_that_takes_no_mail_pages_nobody(shop: Shop) -> None:
    order = await completed(shop)
    shop.mail.back_door.troubles = [MailRefused("no such mailbox")]
    await told(shop, order)
    await shop.run_to_the_end()
    states = {(row.pipeline, row.state) for row in shop.rows(STATES)}
    assert ("tell-customer", RunState.REJECTED) in states
    assert await status(shop, order) == "shipped"


async def test_the_run_says_what_became_of_the_event(shop: Shop) -> None:
    order = await completed(shop)
    await told(shop, order)
    await told(shop, order)
    await shop.run_to_the_end()
    results = [(await shop.api.get(f"/v1/runs/{row.run_id}")).json()["result"] for row in shop.rows(RUNS)]
    assert results == [{"status": "shipped", "moved": True}, {"status": "shipped", "moved": False}]


async def test_many_events_at_once_leave_each_order_in_one_state(shop: Shop) -> None:
    orders = [await shop.placed(an_order(mug=2)) for _ in range(10)]
    await shop.run_to_the_end()
    words = ("shipped", "delivered", "refused")
    await asyncio.gather(*(send(shop, an_event(order, word)) for order in orders for word in words))
    await shop.run_to_the_end()
    ended = [await status(shop, order) for order in orders]
    gone = 2 * sum(each == "delivered" for each in ended)
    assert set(ended) <= {"delivered", "rejected"}
    assert (shop.shelf("mug"), shop.count("stock_holds")) == ((100 - gone, 0), 0)


async def test_events_are_applied_by_another_process_too(postgres_url: str, tmp_path: Path) -> None:
    async with open_shop(postgres_url, tmp_path) as shop:
        order = await completed(shop)
    async with open_shop(postgres_url, tmp_path, role="api") as shop:
        await told(shop, order)
    async with open_shop(postgres_url, tmp_path) as shop:
        await shop.process.write(reaping.reap, count_crash=False, jitter=0.0)
        await shop.run_to_the_end()
        assert await status(shop, order) == "shipped"
