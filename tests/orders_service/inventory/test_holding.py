"""What is held for an order: kept, shipped, given back, each once."""

import asyncio
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from orders_service import inventory
from orders_service.inventory import HoldMoved
from orders_service.inventory.stock import HELD_FOR
from orders_service.orders.schemas import Item
from pipelines import Transaction
from tests.builders.catalog import balance
from tests.builders.orders import an_order
from tests.builders.shop import Shop, open_shop


async def reserve(shop: Shop, **quantities: int) -> UUID:
    order_id = uuid4()
    lines = [Item(sku=sku, quantity=quantity) for sku, quantity in quantities.items()]
    await shop.process.write(inventory.reserve, order_id, lines)
    return order_id


async def expired(shop: Shop, after: timedelta) -> list[UUID]:
    moment = shop.clock.now() + after
    return shop.read(lambda session: inventory.expired_holds(session, moment, most=10))


async def test_what_is_shipped_is_consumed(shop: Shop) -> None:
    order_id = await reserve(shop, mug=3, lamp=1)
    await reserve(shop, mug=5)
    await shop.process.write(inventory.ship, order_id)
    assert (balance(shop, "mug"), balance(shop, "lamp")) == ((92, 5, 3), (99, 0, 1))


@pytest.mark.parametrize("then", [inventory.ship, inventory.release])
async def test_what_was_shipped_is_neither_shipped_again_nor_given_back(shop: Shop, then: object) -> None:
    order_id = await reserve(shop, mug=3)
    await shop.process.write(inventory.ship, order_id)
    await shop.process.write(then, order_id)  # type: ignore[arg-type] # one of three
    assert balance(shop, "mug") == (97, 0, 3)


async def test_what_is_taken_back_may_be_sold_again(shop: Shop) -> None:
    order_id = await reserve(shop, mug=3)
    await shop.process.write(inventory.release, order_id)
    assert balance(shop, "mug") == (100, 0, 0)


async def test_of_those_who_ship_and_give_back_at_once_one_does(shop: Shop) -> None:
    order_id = await reserve(shop, mug=3)
    await reserve(shop, mug=50)  # for others
    both = (inventory.ship, inventory.release) * 4
    answers = await asyncio.gather(*(shop.process.write(each, order_id) for each in both), return_exceptions=True)
    assert all(answer is None or isinstance(answer, HoldMoved) for answer in answers)
    assert balance(shop, "mug") in {(47, 50, 3), (50, 50, 0)}


async def test_of_those_who_give_back_in_two_processes_one_does(postgres_url: str, tmp_path: Path) -> None:
    async with open_shop(postgres_url, tmp_path) as here, open_shop(postgres_url, tmp_path) as there:
        await reserve(here, mug=30)  # for others
        for _ in range(10):
            order_id = await reserve(here, mug=3)
            writes = (shop.process.write(inventory.release, order_id) for shop in (here, there))
            answers = await asyncio.gather(*writes, return_exceptions=True)
            assert all(answer is None or isinstance(answer, HoldMoved) for answer in answers)
            assert balance(here, "mug") == (70, 30, 0)


async def test_who_fails_in_a_batch_ships_nothing(shop: Shop) -> None:
    order_id = await reserve(shop, mug=3)

    def ship_and_fail(tx: Transaction) -> None:
        inventory.ship(tx, order_id)
        raise KeyError

    with pytest.raises(KeyError):
        await shop.process.write(ship_and_fail)
    assert balance(shop, "mug") == (97, 3, 0)


async def test_a_hold_expires_unless_it_is_kept(shop: Shop) -> None:
    short, firm = await reserve(shop, mug=3), await reserve(shop, mug=4)
    await shop.process.write(inventory.keep, firm)
    assert await expired(shop, HELD_FOR - timedelta(minutes=1)) == []
    assert await expired(shop, HELD_FOR + timedelta(minutes=1)) == [short]


async def test_a_hold_that_is_prolonged_begins_anew_and_a_firm_one_stays_firm(shop: Shop) -> None:
    held, firm = await reserve(shop, mug=3), await reserve(shop, mug=4)
    await shop.process.write(inventory.keep, firm)
    shop.clock.advance(timedelta(hours=12))
    for order_id in (held, firm):
        await shop.process.write(inventory.prolong, order_id)
    assert await expired(shop, timedelta(hours=23)) == []
    assert await expired(shop, timedelta(hours=25)) == [held]


async def test_those_that_expired_first_come_first_and_not_all_at_once(shop: Shop) -> None:
    orders = []
    for _ in range(3):
        orders.append(await reserve(shop, mug=1, lamp=1))
        shop.clock.advance(timedelta(minutes=1))
    later = shop.clock.now() + timedelta(days=2)
    assert shop.read(lambda session: inventory.expired_holds(session, later, most=2)) == orders[:2]


async def test_what_the_warehouse_has_accepted_does_not_expire(shop: Shop) -> None:
    await shop.placed(an_order(mug=3))
    await shop.settled()
    assert await expired(shop, timedelta(days=1000)) == []
    assert balance(shop, "mug") == (97, 3, 0)
