import asyncio
import threading
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from orders_service import inventory
from orders_service.inventory import OutOfStock, UnknownProduct
from orders_service.money import Money
from orders_service.orders.schemas import Item
from pipelines import Transaction
from tests.builders.orders import a_product, an_order
from tests.builders.shop import Shop, open_shop


def lines(**quantities: int) -> list[Item]:
    return [Item(sku=sku, quantity=quantity) for sku, quantity in quantities.items()]


async def reserve(shop: Shop, **quantities: int) -> UUID:
    order_id = uuid4()
    await shop.process.write(inventory.reserve, order_id, lines(**quantities))
    return order_id


async def test_what_is_reserved_is_held_and_no_longer_available(shop: Shop) -> None:
    await reserve(shop, mug=3, lamp=1)
    assert (shop.shelf("mug"), shop.shelf("lamp")) == ((97, 3), (99, 1))


async def test_the_last_one_can_be_reserved(shop: Shop) -> None:
    await reserve(shop, mug=100)
    assert shop.shelf("mug") == (0, 100)


@pytest.mark.parametrize(
    ("quantities", "short"),
    [({"mug": 101}, ("mug",)), ({"mug": 1, "lamp": 101}, ("lamp",)), ({"sofa": 1, "mug": 101}, ("sofa", "mug"))],
)
async def test_all_lines_are_reserved_or_none(shop: Shop, quantities: dict[str, int], short: tuple[str, ...]) -> None:
    with pytest.raises(OutOfStock) as refusal:
        await reserve(shop, **quantities)
    assert refusal.value.skus == short
    assert (shop.shelf("mug"), shop.shelf("lamp"), shop.count("stock_holds")) == ((100, 0), (100, 0), 0)


async def test_what_is_released_is_available_again(shop: Shop) -> None:
    order_id = await reserve(shop, mug=3, lamp=1)
    await reserve(shop, mug=5)
    await shop.process.write(inventory.release, order_id)
    assert (shop.shelf("mug"), shop.shelf("lamp")) == ((95, 5), (100, 0))


async def test_what_is_shipped_is_held_no_longer_and_not_available_again(shop: Shop) -> None:
    order_id = await reserve(shop, mug=3, lamp=1)
    await reserve(shop, mug=5)
    for _ in range(2):
        await shop.process.write(inventory.ship, order_id)
    await shop.process.write(inventory.release, order_id)
    assert (shop.shelf("mug"), shop.shelf("lamp")) == ((92, 5), (99, 0))


@pytest.mark.parametrize("times", [2, 3])
async def test_releasing_again_changes_nothing(shop: Shop, times: int) -> None:
    order_id = await reserve(shop, mug=3)
    for _ in range(times):
        await shop.process.write(inventory.release, order_id)
    assert shop.shelf("mug") == (100, 0)


async def test_releasing_what_was_never_reserved_succeeds(shop: Shop) -> None:
    await shop.process.write(inventory.release, uuid4())
    assert shop.shelf("mug") == (100, 0)


async def test_of_two_in_one_batch_who_want_the_last_ones_one_gets_them(shop: Shop) -> None:
    begun, may_end = threading.Event(), threading.Event()

    def hold_the_committer_up(_: Transaction) -> None:
        begun.set()
        may_end.wait()

    held_up = asyncio.create_task(shop.process.write(hold_the_committer_up), name="held up")
    await asyncio.to_thread(begun.wait)
    waiting = asyncio.gather(reserve(shop, mug=60), reserve(shop, mug=60), return_exceptions=True)
    await asyncio.sleep(0)  # both are in the queue now
    may_end.set()
    await held_up
    answers = await waiting
    assert sorted(isinstance(answer, OutOfStock) for answer in answers) == [False, True]
    assert shop.shelf("mug") == (40, 60)


async def test_prices_come_for_all_that_are_known(shop: Shop) -> None:
    prices = await shop.process.write(inventory.prices_of, ["lamp", "mug"])
    assert prices == dict.fromkeys(("lamp", "mug"), Money(amount=1999, currency="EUR"))


async def test_all_unknown_products_are_named_by_their_place(shop: Shop) -> None:
    with pytest.raises(UnknownProduct) as refusal:
        await shop.process.write(inventory.prices_of, ["sofa", "mug", "throne"])
    assert refusal.value.places == (0, 2)


async def test_a_crowd_never_gets_more_than_there_is(shop: Shop) -> None:
    await shop.offer(a_product("ticket", available=30))
    orders = await asyncio.gather(*(shop.placed(an_order(ticket=1, mug=1)) for _ in range(60)))
    await shop.run_to_the_end()
    statuses = [(await shop.shown(order))["status"] for order in orders]
    assert (statuses.count("completed"), statuses.count("rejected")) == (30, 30)
    assert (shop.shelf("ticket"), shop.shelf("mug")) == ((0, 30), (70, 30))


async def test_two_processes_together_never_sell_more_than_there_is(postgres_url: str, tmp_path: Path) -> None:
    async with open_shop(postgres_url, tmp_path) as here:
        async with open_shop(postgres_url, tmp_path) as there:
            await here.offer(a_product("ticket", available=30))
            forth, back = an_order(ticket=1, mug=1), an_order(mug=1, ticket=1)
            orders = await asyncio.gather(*(s.placed(o) for s, o in ((here, forth), (there, back)) * 30))
            for shop in (here, there):
                await shop.settled()
        await here.run_to_the_end()  # who waited too long for a lock is nobody's until somebody looks
        statuses = [(await here.shown(order))["status"] for order in orders]
        assert (statuses.count("completed"), statuses.count("rejected")) == (30, 30)
        assert (here.shelf("ticket"), here.shelf("mug")) == ((0, 30), (70, 30))
