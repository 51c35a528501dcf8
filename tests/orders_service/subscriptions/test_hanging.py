"""Endpoints that all hang hold their share of the slots, and orders go on in the others."""

import asyncio
from pathlib import Path

from pipelines.events import Event, RunFinished
from tests.builders.shop import open_shop
from tests.builders.subscriptions import subscribed

PATIENCE_SECONDS = 20.0
ORDERS = 6


async def test_endpoints_that_hang_leave_slots_for_orders(migrated_url: str, tmp_path: Path) -> None:
    fulfilled = asyncio.Semaphore(0)

    def hear(event: Event) -> None:
        if isinstance(event, RunFinished) and event.pipeline == "fulfill-order":
            fulfilled.release()

    async with open_shop(migrated_url, tmp_path, worker_slots=8) as shop:
        shop.process.events.subscribe(hear)
        for _ in range(8):
            await subscribed(shop.api, "order.accepted")
        shop.subscribers.door.close()
        async with asyncio.timeout(PATIENCE_SECONDS):
            for _ in range(ORDERS):
                await shop.placed()
                await fulfilled.acquire()
        assert len(shop.subscribers.sent) == 3
        shop.subscribers.door.open()
        await shop.run_to_the_end()
        assert len(shop.subscribers.sent) == 8 * ORDERS
