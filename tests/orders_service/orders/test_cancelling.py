import asyncio
from pathlib import Path
from typing import Any

import pytest

from orders_service.gateways import MailUnavailable, WarehouseUnavailable
from pipelines import AttemptOutcome
from tests.builders.callbacks import audited
from tests.builders.orders import an_order
from tests.builders.shop import Shop, open_shop


async def cancelled(shop: Shop, order: Any) -> Any:
    response = await shop.api.post(f"/v1/orders/{order['id']}/cancel")
    assert response.status_code == 200, response.text
    return response.json()


async def test_a_cancelled_order_is_answered_whole(shop: Shop) -> None:
    shop.mail.door.close()
    order = await shop.placed()
    await shop.mail.door.until_somebody_waits()
    assert await cancelled(shop, order) == {**order, "status": "cancelled", "reason": "cancelled on request"}


async def test_whoever_cancels_is_written_down(shop: Shop) -> None:
    ada = await shop.client_of("ada")
    shop.mail.door.close()
    order = await shop.placed(by=ada)
    await shop.mail.door.until_somebody_waits()
    await ada.post(f"/v1/orders/{order['id']}/cancel")
    assert audited(shop, order) == [("key", "order_cancelled", "done")]


async def test_an_order_whose_run_ends_just_now_is_asked_back_instead(shop: Shop) -> None:
    """In one batch the run ends and somebody cancels, who has seen it open: his second look finds it completed."""
    orders = [await shop.placed(an_order(mug=1)) for _ in range(20)]
    answers = await asyncio.gather(*(shop.api.post(f"/v1/orders/{order['id']}/cancel") for order in orders))
    await shop.run_to_the_end()
    assert {answer.status_code for answer in answers} <= {200, 202}
    assert {(await shop.shown(order))["status"] for order in orders} == {"cancelled"}
    assert shop.shelf("mug") == (100, 0)


async def test_before_anybody_works_on_it_an_order_is_simply_cancelled(migrated_url: str, tmp_path: Path) -> None:
    async with open_shop(migrated_url, tmp_path, role="api") as shop:
        order = await shop.placed(an_order(mug=3))
        await cancelled(shop, order)
        assert (await shop.shown(order))["status"] == "cancelled"
    async with open_shop(migrated_url, tmp_path) as shop:
        await shop.run_to_the_end()
        assert (await shop.shown(order))["status"] == "cancelled"
        assert (shop.mail.confirmations, shop.shelf("mug")) == ([], (100, 0))


async def test_while_the_mail_is_on_its_way_the_call_is_broken_off_and_stock_given_back(shop: Shop) -> None:
    shop.mail.door.close()
    order = await shop.placed(an_order(mug=3))
    await shop.mail.door.until_somebody_waits()
    assert shop.shelf("mug") == (97, 3)
    await cancelled(shop, order)
    await shop.settled()
    assert shop.shelf("mug") == (100, 0)
    assert shop.run(order).attempts[2].outcome is AttemptOutcome.CANCELLED
    assert shop.warehouse.requests == []


async def test_while_the_warehouse_is_asked_it_is_told_to_forget_the_order(shop: Shop) -> None:
    shop.warehouse.door.close()
    order = await shop.placed(an_order(mug=3))
    await shop.warehouse.door.until_somebody_waits()
    await cancelled(shop, order)
    await shop.settled()
    [(key, event)] = shop.warehouse.cancellations
    assert str(event.data.order_id) == order["id"]
    assert key != shop.warehouse.requests[0][0]
    assert shop.shelf("mug") == (100, 0)


@pytest.mark.parametrize("outside", ["mail", "warehouse"])
async def test_while_it_waits_for_another_attempt_nothing_more_is_tried(shop: Shop, outside: str) -> None:
    gateway = getattr(shop, outside)
    gateway.door.troubles = [MailUnavailable() if outside == "mail" else WarehouseUnavailable()]
    order = await shop.placed(an_order(mug=3))
    await shop.settled()
    await cancelled(shop, order)
    await shop.run_to_the_end()
    assert (await shop.shown(order))["status"] == "cancelled"
    assert shop.shelf("mug") == (100, 0)
    assert len(shop.mail.confirmations) + len(shop.warehouse.requests) == {"mail": 1, "warehouse": 2}[outside]


async def test_a_rejected_order_can_no_longer_be_cancelled(shop: Shop) -> None:
    order = await shop.placed(an_order(email="ada@mailinator.com", mug=3))
    await shop.settled()
    before = await shop.shown(order), shop.shelf("mug")
    response = await shop.api.post(f"/v1/orders/{order['id']}/cancel")
    assert (response.status_code, response.json()["code"]) == (409, "state-conflict")
    assert before[0]["status"] in response.json()["detail"]
    assert (await shop.shown(order), shop.shelf("mug")) == before


async def test_of_many_who_cancel_at_once_one_does(shop: Shop) -> None:
    shop.mail.door.close()
    order = await shop.placed(an_order(mug=3))
    await shop.mail.door.until_somebody_waits()
    answers = await asyncio.gather(*(shop.api.post(f"/v1/orders/{order['id']}/cancel") for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 9
    await shop.settled()
    assert shop.shelf("mug") == (100, 0)


async def test_a_second_cancellation_is_refused(shop: Shop) -> None:
    shop.mail.door.close()
    order = await shop.placed()
    await cancelled(shop, order)
    await shop.settled()
    assert (await shop.api.post(f"/v1/orders/{order['id']}/cancel")).status_code == 409
