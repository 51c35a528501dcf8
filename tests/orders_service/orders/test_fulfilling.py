import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from orders_service.gateways import MailRefused, MailUnavailable, WarehouseRefused, WarehouseUnavailable
from pipelines import RunState, Throttled
from tests.builders.fulfillment import SECRET
from tests.builders.orders import a_product, an_order
from tests.builders.shop import Shop, open_shop
from tests.harness.receiver import ERROR, first, webhook_receiver


async def status(shop: Shop, order: Any) -> str:
    return str((await shop.shown(order))["status"])


async def test_an_order_nobody_works_on_is_pending(migrated_url: str, tmp_path: Path) -> None:
    async with open_shop(migrated_url, tmp_path, role="api") as shop:
        order = await shop.placed()
        assert (await status(shop, order), shop.run(order).state) == ("pending", RunState.READY)


async def test_the_status_is_told_while_the_run_goes_on(shop: Shop) -> None:
    shop.mail.door.close()
    shop.warehouse.door.close()
    order = await shop.placed()
    await shop.mail.door.until_somebody_waits()
    assert await status(shop, order) == "reserved"
    shop.mail.door.open()
    await shop.warehouse.door.until_somebody_waits()
    assert await status(shop, order) == "fulfilling"
    shop.warehouse.door.open()
    await shop.settled()
    assert await status(shop, order) == "completed"


async def test_a_completed_order_was_held_told_and_asked_for_once(shop: Shop) -> None:
    order = await shop.placed(an_order(lamp=1, mug=2))
    await shop.settled()
    assert (shop.shelf("lamp"), shop.shelf("mug")) == ((99, 1), (98, 2))
    assert [letter.to for _, letter in shop.mail.letters] == ["ada@example.com"]
    [(_, request)] = shop.warehouse.requests
    assert str(request.data.order_id) == order["id"]
    assert [(item.sku, item.quantity) for item in request.data.items] == [("lamp", 1), ("mug", 2)]


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        (an_order(mug=101), "out of stock: mug"),
        (an_order(mug=1, lamp=101), "out of stock: lamp"),
        (an_order(email="ada@mailinator.com"), "we do not deliver to customers at mailinator.com"),
        (an_order(mug=10_001), "10001 of mug are more than we ship at once (10000)"),
        (an_order(mug=5_000), "orders over 50000.00 EUR need a phone call"),
    ],
)
async def test_a_rejected_order_says_why_and_leaves_nothing_behind(
    shop: Shop, order: dict[str, Any], reason: str
) -> None:
    shown = await shop.shown(placed := await shop.placed(order))
    await shop.settled()
    shown = await shop.shown(placed)
    assert (shown["status"], shown["reason"]) == ("rejected", reason)
    assert (shop.shelf("mug"), shop.shelf("lamp"), shop.count("stock_holds")) == ((100, 0), (100, 0), 0)
    assert (shop.mail.confirmations, shop.warehouse.requests) == ([], [])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("UPDATE products SET price_amount = 2500 WHERE sku = 'mug'", "has changed from 19.99 EUR to 25.00 EUR"),
        ("UPDATE products SET price_currency = 'GBP' WHERE sku = 'mug'", "has changed from 19.99 EUR to 19.99 GBP"),
    ],
)
async def test_an_order_at_an_old_price_is_rejected(
    migrated_url: str, tmp_path: Path, change: str, reason: str
) -> None:
    async with open_shop(migrated_url, tmp_path, role="api") as shop:
        order = await shop.placed()
        await shop.write(change)
    async with open_shop(migrated_url, tmp_path) as shop:
        await shop.run_to_the_end()
        shown = await shop.shown(order)
    assert shown["status"] == "rejected"
    assert reason in shown["reason"]


@pytest.mark.parametrize(
    ("outside", "trouble", "attempts"),
    [
        ("mail", MailRefused("no such mailbox"), 1),
        ("mail", MailUnavailable("busy"), 8),
        ("warehouse", WarehouseRefused("no such article"), 1),
        ("warehouse", WarehouseUnavailable("on fire"), 8),
    ],
)
async def test_a_failed_order_gives_its_stock_back(shop: Shop, outside: str, trouble: Exception, attempts: int) -> None:
    getattr(shop, outside).door.troubles = [trouble] * attempts
    order = await shop.placed(an_order(mug=3))
    await shop.run_to_the_end()
    shown = await shop.shown(order)
    assert (shown["status"], shown["reason"]) == ("failed", f"{type(trouble).__name__}: {trouble}")
    assert (shop.shelf("mug"), shop.count("stock_holds")) == ((100, 0), 0)
    assert len(shop.warehouse.cancellations) == (outside == "warehouse")


async def test_a_failed_order_that_is_retried_is_open_again_and_completed(shop: Shop) -> None:
    shop.warehouse.door.troubles = [WarehouseRefused("no such article")]
    order = await shop.placed(an_order(mug=3))
    await shop.run_to_the_end()
    shop.mail.door.close()
    await shop.process.write(shop.process.steering.retry, shop.run(order).id, actor="ops")
    await shop.mail.door.until_somebody_waits()
    assert await status(shop, order) == "reserved"
    shop.mail.door.open()
    await shop.run_to_the_end()
    shown = await shop.shown(order)
    assert (shown["status"], shown["reason"], shop.shelf("mug")) == ("completed", None, (97, 3))


async def test_the_first_error_that_another_attempt_mends_is_not_the_customers_business(shop: Shop) -> None:
    shop.warehouse.door.troubles = [WarehouseUnavailable("on fire")] * 7
    order = await shop.placed()
    await shop.run_to_the_end()
    shown = await shop.shown(order)
    assert (shown["status"], shown["reason"]) == ("completed", None)


async def test_all_attempts_send_the_same_letter_under_the_same_key(shop: Shop) -> None:
    shop.mail.door.troubles = [MailUnavailable("busy")] * 3
    await shop.placed()
    await shop.run_to_the_end()
    assert len(shop.mail.letters) == 4
    assert len(set(shop.mail.letters)) == 1


async def test_a_warehouse_that_says_later_is_asked_later_and_no_attempt_is_spent(shop: Shop) -> None:
    shop.warehouse.door.troubles = [Throttled(retry_after=timedelta(minutes=5))] * 20
    order = await shop.placed()
    await shop.run_to_the_end()
    assert await status(shop, order) == "completed"
    assert len({key for key, _ in shop.warehouse.requests}) == 1


async def test_all_attempts_of_the_webhook_have_one_id_and_one_body(migrated_url: str, tmp_path: Path) -> None:
    async with (
        webhook_receiver(SECRET) as receiver,
        open_shop(
            migrated_url, tmp_path, real_gateways=True, fulfillment_url=receiver.url, fulfillment_secret=SECRET
        ) as shop,
    ):
        receiver.behaviour = first(3, ERROR)
        order = await shop.placed(an_order(mug=2))
        await shop.run_to_the_end()
        assert [delivery.number for delivery in receiver.deliveries] == [1, 2, 3, 4]
        assert len({(delivery.webhook_id, delivery.body) for delivery in receiver.deliveries}) == 1
        assert all(delivery.valid for delivery in receiver.deliveries)
    event = json.loads(receiver.deliveries[0].body)
    assert (event["type"], event["timestamp"]) == ("order.fulfillment_requested", order["created_at"])
    assert event["data"]["order_id"] == order["id"]
    assert event["data"]["items"] == [{"sku": "mug", "quantity": 2}]


async def test_the_mail_in_the_mailbox_has_the_key_as_its_message_id(migrated_url: str, tmp_path: Path) -> None:
    async with (
        webhook_receiver(SECRET) as receiver,
        open_shop(
            migrated_url, tmp_path, real_gateways=True, fulfillment_url=receiver.url, fulfillment_secret=SECRET
        ) as shop,
    ):
        await shop.placed()
        await receiver.until_accepted(1)
        [mail] = (tmp_path / "mailbox").glob("*.eml")
        assert f"Message-ID: <{mail.stem}@example.com>" in mail.read_text()


async def test_a_product_that_left_the_catalog_is_not_shipped(migrated_url: str, tmp_path: Path) -> None:
    async with open_shop(migrated_url, tmp_path, role="api") as shop:
        await shop.offer(a_product("sofa"))
        order = await shop.placed(an_order(sofa=1))
        assert (await shop.api.delete("/v1/products/sofa")).status_code == 204
    async with open_shop(migrated_url, tmp_path) as shop:
        await shop.run_to_the_end()
        assert (await shop.shown(order))["reason"] == "sofa is no longer sold"
