"""Who listens is kept in memory, and is never older than the last commit, nor what no commit has made so."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID
from weakref import ref

import pytest
from sqlalchemy import text

from orders_service.gateways import SubscriberGone
from orders_service.ids import new_id
from orders_service.subscriptions import queries
from orders_service.subscriptions.listening import _KEPT
from pipelines import Transaction
from tests.builders.shop import Shop, open_shop
from tests.builders.subscriptions import heard, path_of, publish, statements_about, subscribed

STRANGERS = 1000


class ChangedMyMind(Exception):
    """What a transaction function may raise after it has written."""


def add(tx: Transaction, owner: str) -> UUID:
    endpoint_id = new_id()
    row = {
        "id": endpoint_id,
        "owner": owner,
        "sees_everything": owner == "staff",
        "url": "https://example.com/hook",
        "event_types": ["order.*"],
        "description": "",
        "secret": "whsec_",
        "created_at": tx.home.clock.now(),
    }
    queries.add_endpoint(tx, row)
    return endpoint_id


def add_strangers(tx: Transaction) -> None:
    for number in range(STRANGERS):
        add(tx, f"stranger-{number}")


@pytest.fixture
async def two_shops(postgres_url: str, tmp_path: Path) -> AsyncIterator[tuple[Shop, Shop]]:
    """Two processes on one database."""
    async with AsyncExitStack() as stack:
        here = await stack.enter_async_context(open_shop(postgres_url, tmp_path))
        yield here, await stack.enter_async_context(open_shop(postgres_url, tmp_path))


async def test_a_new_endpoint_hears_of_the_very_next_order_on_another_process(two_shops: tuple[Shop, Shop]) -> None:
    here, there = two_shops
    for _ in range(3):
        await there.placed()
        endpoint = await subscribed(here.api, "order.accepted")
        await there.placed()
        assert await heard(here.api, endpoint) == ["order.accepted"]


@pytest.mark.parametrize("change", [{"enabled": False}, {"event_types": ["report.ready"]}])
async def test_one_that_wants_no_more_does_not_hear_of_the_next_order_anywhere(
    two_shops: tuple[Shop, Shop], change: dict[str, Any]
) -> None:
    here, there = two_shops
    endpoint = await subscribed(here.api, "order.accepted")
    await there.placed()
    await here.api.patch(path_of(endpoint), json=change)
    for shop in (there, here):
        await shop.placed()
    assert await heard(here.api, endpoint) == ["order.accepted"]
    await there.api.patch(path_of(endpoint), json={"enabled": True, "event_types": ["order.accepted"]})
    for shop in (here, there):
        await shop.placed()
    assert await heard(here.api, endpoint) == ["order.accepted"] * 3


async def test_nothing_is_sent_to_one_that_another_process_has_removed(two_shops: tuple[Shop, Shop]) -> None:
    here, there = two_shops
    endpoint = await subscribed(here.api, "order.accepted")
    await there.placed()
    await here.api.delete(path_of(endpoint))
    await there.placed()
    assert there.count("webhook_deliveries") == 1


async def test_the_first_endpoints_of_all_may_come_at_once(two_shops: tuple[Shop, Shop]) -> None:
    here, there = two_shops
    endpoints = await asyncio.gather(*(subscribed(shop.api, "order.accepted") for shop in (here, there) * 3))
    await here.placed()
    await there.placed()
    for endpoint in endpoints:
        assert await heard(here.api, endpoint) == ["order.accepted"] * 2


async def test_an_endpoint_that_was_disabled_by_its_answer_is_told_nothing_more(shop: Shop) -> None:
    endpoint = await subscribed(shop.api, "order.accepted")
    shop.subscribers.door.troubles = [SubscriberGone()]
    for _ in range(2):
        await shop.placed()
        await shop.settled()
    assert await heard(shop.api, endpoint) == ["order.accepted"]


async def test_a_thousand_strangers_are_not_read_again_for_the_second_batch(shop: Shop) -> None:
    await shop.process.write(add_strangers)
    with statements_about(shop, "webhook_endpoints") as first:
        await shop.placed()
    with statements_about(shop, "webhook_endpoints") as later:
        for _ in range(3):
            await shop.placed()
        await shop.settled()
    assert (len(first), later) == (1, [])
    assert shop.count("webhook_deliveries") == 0


async def test_what_changes_nothing_for_listeners_has_nobody_read_again(corner_shop: Shop) -> None:
    endpoint = await subscribed(corner_shop.api, "order.accepted")
    await corner_shop.placed()
    await corner_shop.api.patch(path_of(endpoint), json={"description": "Ours"})
    await corner_shop.api.post(path_of(endpoint, "rotate-secret"), json={})
    with statements_about(corner_shop, "webhook_endpoints") as seen:
        await corner_shop.placed()
    assert seen == []
    assert len(await heard(corner_shop.api, endpoint)) == 2


@pytest.mark.parametrize("has_kept_before", [True, False])
async def test_a_change_that_was_rolled_back_leaves_no_trace(
    shop: Shop,
    has_kept_before: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    def add_and_regret(tx: Transaction) -> None:
        add(tx, "staff")
        publish(tx, "order.shipped")
        raise ChangedMyMind

    if has_kept_before:
        await shop.process.write(publish, "order.shipped")
    with pytest.raises(ChangedMyMind):
        await shop.process.write(add_and_regret)
    with statements_about(shop, "webhook_endpoints") as seen:
        await shop.process.write(publish, "order.shipped")
    assert len(seen) == (0 if has_kept_before else 1)
    assert shop.count("webhook_deliveries") == 0


async def test_others_of_a_batch_that_is_sent_again_hear_what_is_true(shop: Shop) -> None:
    def remove_and_regret(tx: Transaction) -> None:
        queries.remove_endpoint(tx, UUID(endpoint["id"]))
        publish(tx, "order.delivered")
        raise ChangedMyMind

    endpoint = await subscribed(shop.api, "order.shipped")
    members: list[Callable[[Transaction], None]] = [remove_and_regret, partial(publish, event_type="order.shipped")] * 6
    answers = await asyncio.gather(*(shop.process.write(member) for member in members), return_exceptions=True)
    assert [type(answer) for answer in answers] == [ChangedMyMind, type(None)] * 6
    await shop.process.write(publish, "order.shipped")
    assert await heard(shop.api, endpoint) == ["order.shipped"] * 7


async def test_a_batch_sees_its_own_changes_one_after_the_other(shop: Shop) -> None:
    def come_and_go(tx: Transaction) -> None:
        publish(tx, "order.shipped")
        endpoint_id = add(tx, "staff")
        publish(tx, "order.delivered")
        queries.remove_endpoint(tx, endpoint_id)
        publish(tx, "order.refused")

    for _ in range(2):
        await shop.process.write(come_and_go)
    await shop.process.write(publish, "order.shipped")
    told = shop.rows(text("SELECT event_type FROM webhook_deliveries"))
    assert [each[0] for each in told] == ["order.delivered"] * 2


async def test_what_is_kept_goes_with_its_process(sqlite_url: str, tmp_path: Path) -> None:
    others = set(_KEPT)
    async with open_shop(sqlite_url, tmp_path) as shop:
        await shop.placed()
        homes = [ref(home) for home in _KEPT if home not in others]
    assert len(homes) == 1
    del shop
    gc.collect()
    assert homes[0]() is None
