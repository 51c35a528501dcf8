"""What was held for too long: whose order is cancelled, and whose is left alone."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from orders_service import inventory
from orders_service.background import SCHEDULES
from orders_service.gateways import MailUnavailable, WarehouseUnavailable
from orders_service.orders import expiring
from orders_service.orders.expiring import REASON, ExpiredBy, expire_reservations
from orders_service.orders.schemas import Item
from pipelines import AttemptOutcome, RunState, Transaction, cancel, start
from tests.builders.catalog import balance
from tests.builders.orders import an_order
from tests.builders.shop import Shop, open_shop

A_DAY = timedelta(hours=24, minutes=1)


async def tick(shop: Shop) -> None:
    """What the schedule does, and what follows from it; orders that wait for their retry go on waiting."""
    await shop.process.write(start, expire_reservations, ExpiredBy(moment=shop.clock.now()))
    await shop.settled()


async def stuck(shop: Shop, *, mug: int) -> Any:
    """An order that holds so many mugs, and whose mail does not go out until somebody moves the clock."""
    shop.mail.door.troubles.append(MailUnavailable("busy"))
    order = await shop.placed(an_order(mug=mug))
    await shop.settled()
    assert (await shop.shown(order))["status"] == "reserved"
    return order


async def held_for(shop: Shop, order: Any) -> list[Any]:
    """When each of its holds expires."""
    statement = text("SELECT expires_at FROM stock_holds WHERE order_id IN (:plain, :dashed)")
    if shop.process.readers.dialect.name == "postgresql":
        statement = text("SELECT expires_at FROM stock_holds WHERE CAST(order_id AS text) IN (:plain, :dashed)")
    bound = statement.bindparams(plain=UUID(order["id"]).hex, dashed=order["id"])
    return [row[0] for row in shop.rows(bound)]


async def test_an_order_that_holds_stock_for_too_long_is_cancelled_and_gives_it_back(shop: Shop) -> None:
    order = await stuck(shop, mug=3)
    shop.clock.advance(A_DAY)
    shop.mail.door.troubles.append(MailUnavailable("busy"))
    await tick(shop)
    await shop.run_to_the_end()
    shown = await shop.shown(order)
    assert (shown["status"], shown["reason"]) == ("cancelled", REASON)
    assert (balance(shop, "mug"), shop.count("stock_holds")) == ((100, 0, 0), 0)


async def test_before_its_time_nothing_is_cancelled(shop: Shop) -> None:
    order = await stuck(shop, mug=3)
    await tick(shop)
    assert (await shop.shown(order))["status"] == "reserved"
    assert balance(shop, "mug") == (97, 3, 0)


async def test_the_schedule_does_it_by_itself(migrated_url: str, tmp_path: Path) -> None:
    async with open_shop(migrated_url, tmp_path, schedules=SCHEDULES) as shop:
        order = await stuck(shop, mug=3)
        await shop.write("UPDATE stock_holds SET expires_at = '2020-01-01 00:00:00'")
        await shop.advance(timedelta(minutes=6))  # sooner than its mail is tried again
        assert (await shop.shown(order))["reason"] == REASON
        assert balance(shop, "mug") == (100, 0, 0)


async def test_an_order_that_is_completed_keeps_what_it_holds_for_ever(shop: Shop) -> None:
    order = await shop.placed(an_order(mug=3))
    await shop.settled()
    shop.clock.advance(A_DAY)
    await tick(shop)
    assert ((await shop.shown(order))["status"], balance(shop, "mug")) == ("completed", (97, 3, 0))


async def test_what_an_older_release_completed_becomes_firm(shop: Shop) -> None:
    order = await shop.placed(an_order(mug=3))
    await shop.settled()
    await shop.write("UPDATE stock_holds SET expires_at = '2020-01-01 00:00:00'")
    await tick(shop)
    assert (await held_for(shop, order), balance(shop, "mug")) == ([None], (97, 3, 0))


async def test_while_it_is_undone_already_nothing_is_decided_anew(shop: Shop) -> None:
    shop.warehouse.door.troubles = [WarehouseUnavailable("away")] * 2  # the request, and the first undo
    order = await shop.placed(an_order(mug=3))
    await shop.settled()
    await shop.api.post(f"/v1/orders/{order['id']}/cancel")
    await shop.settled()
    shop.clock.advance(A_DAY)
    shop.warehouse.door.troubles = []
    await tick(shop)
    await shop.run_to_the_end()
    assert (await shop.shown(order))["reason"] == "cancelled on request"
    assert balance(shop, "mug") == (100, 0, 0)


async def test_what_is_in_quarantine_stays_held_and_is_asked_about_again_in_a_day(shop: Shop) -> None:
    order = await stuck(shop, mug=3)
    await quarantine(shop, order)
    shop.clock.advance(A_DAY)
    before = await held_for(shop, order)
    await tick(shop)
    assert ((await shop.shown(order))["status"], balance(shop, "mug")) == ("failed", (97, 3, 0))
    assert await held_for(shop, order) > before
    await tick(shop)
    assert shop.run(order).state is RunState.QUARANTINED


async def test_who_is_retried_out_of_quarantine_has_a_day_again(shop: Shop) -> None:
    order = await stuck(shop, mug=3)
    await quarantine(shop, order)
    shop.clock.advance(A_DAY)
    shop.mail.door.close()
    await shop.process.write(shop.process.steering.retry, shop.run(order).id, actor="ops")
    await shop.mail.door.until_somebody_waits()
    await tick_beside(shop)
    shop.mail.door.open()
    await shop.run_to_the_end()
    assert ((await shop.shown(order))["status"], balance(shop, "mug")) == ("completed", (97, 3, 0))


async def test_what_is_held_for_no_order_is_given_back(shop: Shop) -> None:
    await shop.process.write(inventory.reserve, uuid4(), [Item(sku="mug", quantity=4)])
    shop.clock.advance(A_DAY)
    await tick(shop)
    assert balance(shop, "mug") == (100, 0, 0)


async def test_more_than_a_slice_is_done_slice_by_slice(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expiring, "MOST_AT_ONCE", 2)
    orders = [await stuck(shop, mug=1) for _ in range(5)]
    shop.clock.advance(A_DAY)
    shop.mail.door.troubles = [MailUnavailable("busy")] * 5
    await tick(shop)
    await shop.run_to_the_end()
    assert {(await shop.shown(order))["reason"] for order in orders} == {REASON}
    assert balance(shop, "mug") == (100, 0, 0)
    ticks = shop.rows(text("SELECT count(*) FROM runs WHERE pipeline = 'expire-reservations'"))
    assert ticks[0][0] == 3


async def test_a_run_that_moves_meanwhile_is_looked_at_again(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    order = await stuck(shop, mug=3)
    shop.clock.advance(A_DAY)
    shop.mail.door.troubles.append(MailUnavailable("busy"))
    tries = []

    def cancel_late(tx: Transaction, run_id: UUID, *, reason: str) -> None:
        tries.append(run_id)
        cancel(tx, run_id, reason=reason)
        if len(tries) <= 2:  # together with others, and alone
            tx.deferred[-1] = replace(tx.deferred[-1], row={**tx.deferred[-1].row, "of": uuid4()})

    monkeypatch.setattr(expiring, "cancel", cancel_late)
    await tick(shop)
    await shop.run_to_the_end()
    assert (len(tries), (await shop.shown(order))["reason"]) == (3, REASON)
    assert [attempt.outcome for attempt in the_tick(shop).attempts] == [AttemptOutcome.RETRY, AttemptOutcome.SUCCESS]


def the_tick(shop: Shop) -> Any:
    [row] = shop.rows(text("SELECT id FROM runs WHERE pipeline = 'expire-reservations'"))
    return shop.run({"run": {"id": str(row[0])}})


async def tick_beside(shop: Shop) -> None:
    """A tick while an order is under way."""
    await shop.process.write(start, expire_reservations, ExpiredBy(moment=shop.clock.now()))
    statement = text("SELECT count(*) FROM runs WHERE pipeline = 'expire-reservations' AND finished_at IS NULL")
    while shop.rows(statement)[0][0]:
        await shop.process.write(lambda _: None)


async def quarantine(shop: Shop, order: Any) -> None:
    """As the reaper leaves a run that has killed its process three times alone."""
    await shop.write("UPDATE runs SET state = 'quarantined', finished_at = due_at WHERE pipeline = 'fulfill-order'")
    await shop.write("UPDATE orders SET status = 'failed'")
    assert shop.run(order).state is RunState.QUARANTINED
