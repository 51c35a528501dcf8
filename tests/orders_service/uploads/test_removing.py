"""What a crash has left goes within two hours; what somebody is answerable for stays."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from orders_service import uploads
from orders_service.background import SCHEDULES
from orders_service.ids import new_id
from orders_service.uploads import queries
from orders_service.uploads.removing import UNCLAIMED_FOR
from pipelines import Transaction
from tests.builders.shop import Shop, open_shop


@pytest.fixture
async def shop(migrated_url: str, tmp_path: Path) -> AsyncIterator[Shop]:
    """With the one schedule that looks after uploads."""
    sweeping = [each for each in SCHEDULES if each.name == uploads.sweep_uploads.name]
    async with open_shop(migrated_url, tmp_path, schedules=sweeping) as shop:
        yield shop


async def left_behind(shop: Shop, count: int = 1) -> list[UUID]:
    """As a process leaves it that dies between the last piece and the claim."""

    def store(tx: Transaction) -> None:
        for upload_id in ids:
            queries.add(tx, upload_id, tx.home.clock.now())
            queries.add_part(tx, upload_id, 0, b"content")

    ids = [new_id() for _ in range(count)]
    await shop.process.write(store)
    return ids


def left(shop: Shop) -> tuple[int, int]:
    return shop.count("uploads"), shop.count("upload_parts")


async def test_what_a_crash_left_unclaimed_is_swept_within_two_hours(shop: Shop) -> None:
    await left_behind(shop, 3)
    await shop.advance(2 * UNCLAIMED_FOR)
    assert left(shop) == (0, 0)


async def test_what_may_still_be_claimed_is_not_swept(shop: Shop) -> None:
    await shop.advance(timedelta(hours=1))
    await left_behind(shop)
    await shop.advance(UNCLAIMED_FOR - timedelta(seconds=1))
    assert left(shop) == (1, 1)


async def test_what_is_claimed_is_not_swept(shop: Shop) -> None:
    [upload_id] = await left_behind(shop)
    await shop.process.write(uploads.claim, upload_id)
    await shop.advance(timedelta(days=2))
    assert left(shop) == (1, 1)


async def test_more_than_a_slice_waits_for_the_next_tick(shop: Shop) -> None:
    await left_behind(shop, 101)
    await shop.advance(2 * UNCLAIMED_FOR)
    assert left(shop)[0] in {0, 1}
    await shop.advance(UNCLAIMED_FOR)
    assert left(shop) == (0, 0)


async def test_what_is_removed_twice_is_gone_once(shop: Shop) -> None:
    [upload_id, _] = await left_behind(shop, 2)
    for _ in range(2):
        await shop.process.write(uploads.start_removal, upload_id)
    await shop.settled()
    assert left(shop) == (1, 1)
