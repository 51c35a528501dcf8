"""What customers are told after their order was confirmed, or instead."""

from typing import Any
from uuid import UUID

import pytest

from orders_service.gateways import MailUnavailable, WarehouseRefused
from orders_service.orders.telling import Notice, letter_of
from tests.builders.callbacks import NOON
from tests.builders.orders import an_order
from tests.builders.shop import Shop


def subjects(shop: Shop) -> list[str]:
    return [letter.subject for letter in shop.mail.notices]


async def test_nobody_is_told_anything_but_the_confirmation_when_all_goes_well(shop: Shop) -> None:
    await shop.placed()
    await shop.run_to_the_end()
    assert (len(shop.mail.letters), shop.count("runs")) == (1, 1)


async def test_a_rejected_order_is_told_with_its_reason(shop: Shop) -> None:
    order = await shop.placed(an_order(mug=101))
    await shop.run_to_the_end()
    [letter] = shop.mail.notices
    assert letter.subject == f"We could not accept your order {order['id']}"
    assert "out of stock: mug" in letter.text


async def test_a_failed_order_is_told_without_what_went_wrong_inside(shop: Shop) -> None:
    shop.warehouse.door.troubles = [WarehouseRefused("https://warehouse answered 400")]
    order = await shop.placed()
    await shop.run_to_the_end()
    [letter] = shop.mail.notices
    assert letter.subject == f"We could not complete your order {order['id']}"
    assert "400" not in letter.text


async def test_a_cancelled_order_is_told(shop: Shop) -> None:
    shop.mail.door.close()
    order = await shop.placed()
    await shop.mail.door.until_somebody_waits()
    await shop.api.post(f"/v1/orders/{order['id']}/cancel")
    shop.mail.door.open()
    await shop.run_to_the_end()
    assert subjects(shop) == [f"We have cancelled your order {order['id']}"]


async def test_a_failure_is_told_once_and_again_when_a_retry_fails_too(shop: Shop) -> None:
    shop.warehouse.door.troubles = [WarehouseRefused("no")] * 2
    order = await shop.placed()
    await shop.run_to_the_end()
    await shop.process.write(shop.process.steering.retry, shop.run(order).id, actor="ops")
    await shop.run_to_the_end()
    assert len(subjects(shop)) == 2


async def test_who_was_told_is_not_told_again_when_the_undoing_is_taken_up(shop: Shop) -> None:
    shop.warehouse.door.troubles = [WarehouseRefused("no")]
    shop.warehouse.back_door.troubles = [WarehouseRefused("no")]
    order = await shop.placed()
    await shop.run_to_the_end()
    await shop.process.write(shop.process.steering.retry_undo, shop.run(order).id, actor="ops")
    await shop.run_to_the_end()
    assert ((await shop.shown(order))["status"], len(subjects(shop))) == ("failed", 1)


async def test_a_notice_is_sent_again_under_the_same_key(shop: Shop) -> None:
    shop.mail.back_door.troubles = [MailUnavailable("busy")] * 2
    await shop.placed(an_order(mug=101))
    await shop.run_to_the_end()
    assert len(shop.mail.letters) == 3
    assert len(set(shop.mail.letters)) == 1


@pytest.mark.parametrize(
    ("what", "details", "said"),
    [
        ("order.shipped", {}, "is on its way"),
        ("order.shipped", {"tracking": {"carrier": "DHL", "url": "https://dhl.test/1"}}, "  url: https://dhl.test/1"),
        ("order.refused", {"reason": "it broke"}, "The reason: it broke"),
        ("order.rejected", {}, "could not accept"),
        ("order.failed", {"reason": "KeyError"}, "something went wrong"),
        ("order.cancelled", {}, "has been cancelled"),
        ("order.cancellation_refused", {"reason": "too late"}, "The reason: too late"),
    ],
)
def test_each_notice_says_what_has_become_of_the_order(what: str, details: Any, said: str) -> None:
    notice = Notice(order_id=UUID(int=1), to="ada@example.com", what=what, at=NOON, **details)
    letter = letter_of(notice)
    assert said in letter.text
    assert "KeyError" not in letter.text
    assert letter.subject.endswith(str(UUID(int=1)))
    assert letter == letter_of(notice)
