"""Orders, cancellations and adjustments fight over the same stock, from two processes: I3 holds, none deadlocks."""

import asyncio
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import psycopg
from sqlalchemy import text

from orders_service import inventory
from orders_service.inventory import OutOfStock
from orders_service.orders.schemas import Item
from tests.builders.catalog import adjust, balance, put
from tests.builders.orders import a_product, an_order
from tests.builders.shop import Shop, open_shop

SKUS = ("chair", "desk", "rug", "vase")
DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"


async def fight(shop: Shop, skus: tuple[str, ...]) -> None:
    """One process's share of it, in the order of these SKUs and against it."""
    await asyncio.gather(
        *(hold_and_let_go(shop, skus[:: 1 if number % 2 else -1], number) for number in range(40)),
        *(order_and_change_ones_mind(shop, skus[:: 1 if number % 2 else -1], number) for number in range(40)),
        *(count_anew(shop, sku, 3 if number % 2 else -4) for number in range(8) for sku in skus),
        *(put(shop, skus[number % 4], available=40 + number) for number in range(8)),
    )
    await shop.settled()


async def order_and_change_ones_mind(shop: Shop, skus: tuple[str, ...], number: int) -> None:
    order = await shop.placed(an_order(items=[{"sku": sku, "quantity": 1} for sku in skus]))
    if number % 3 == 0:
        assert (await shop.api.post(f"/v1/orders/{order['id']}/cancel")).status_code in {200, 409}


async def hold_and_let_go(shop: Shop, skus: tuple[str, ...], number: int) -> None:
    order_id, lines = uuid4(), [Item(sku=sku, quantity=1) for sku in skus[: 1 + number % 4]]
    with suppress(OutOfStock):
        await shop.process.write(inventory.reserve, order_id, lines)
    await shop.process.write(inventory.ship if number % 3 == 0 else inventory.release, order_id)


async def count_anew(shop: Shop, sku: str, change: int) -> None:
    assert (await adjust(shop, sku, change)).status_code in {200, 409}


def judge(shop: Shop) -> None:
    for sku in SKUS:
        held = text("SELECT coalesce(sum(quantity), 0) FROM stock_holds WHERE sku = :sku").bindparams(sku=sku)
        assert balance(shop, sku)[1] == shop.rows(held)[0][0]


async def test_two_processes_lose_nothing_and_never_wait_in_a_circle(postgres_url: str, tmp_path: Path) -> None:
    with psycopg.connect(postgres_url) as database:
        before = database.execute(DEADLOCKS).fetchone()
    async with open_shop(postgres_url, tmp_path) as here:
        async with open_shop(postgres_url, tmp_path) as there:
            await here.offer(*(a_product(sku, available=50) for sku in SKUS))
            await asyncio.gather(fight(here, SKUS), fight(there, SKUS[::-1]))
        await here.run_to_the_end()  # alone: what one of two takes, the other would miss
        judge(here)
    with psycopg.connect(postgres_url) as database:  # both have ended, so all they counted has been reported
        assert database.execute(DEADLOCKS).fetchone() == before


async def test_one_process_loses_nothing(corner_shop: Shop) -> None:
    await corner_shop.offer(*(a_product(sku, available=50) for sku in SKUS))
    await fight(corner_shop, SKUS)
    await corner_shop.run_to_the_end()
    judge(corner_shop)
