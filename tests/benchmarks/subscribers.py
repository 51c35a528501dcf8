"""What subscriptions cost whoever publishes: microseconds of CPU in the committer's thread.

python -m tests.benchmarks.subscribers: "look" is the one SELECT of a batch, "ask" is what an order pays when nobody
listens, "publish" is an event on its way to each endpoint. An order asks twice.
"""

import asyncio
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import structlog

from orders_service import schema, subscriptions
from orders_service.subscriptions import publishing
from orders_service.webhooks.subscribers import _example
from pipelines import Transaction
from tests.builders.shop import Shop, open_shop
from tests.builders.subscriptions import subscribed

TIMES = 300


class Taken(Exception):
    """The figures are taken, and nothing is to be written."""

    def __init__(self, microseconds: dict[str, float]) -> None:
        super().__init__()
        self.microseconds = microseconds


def measure(tx: Transaction) -> None:
    order = _example("order.shipped")["data"]

    def look() -> None:
        tx.noted.clear()
        subscriptions.is_wanted(tx, "order.shipped")

    raise Taken(
        {
            "look": cost(look),
            "ask": cost(lambda: subscriptions.is_wanted(tx, "report.ready")),
            "publish": cost(lambda: publishing.publish(tx, "order.shipped", order, owner="ada")),
        }
    )


def cost(function: Callable[[], object]) -> float:
    function()
    before = time.thread_time()
    for _ in range(TIMES):
        function()
    return (time.thread_time() - before) / TIMES * 1e6


async def tell(shop: Shop, endpoints: int) -> None:
    try:
        await shop.process.write(measure)
    except Taken as taken:
        figures = ", ".join(f"{name} {cost:.1f} µs" for name, cost in taken.microseconds.items())
        print(f"{endpoints} endpoints: {figures}")  # noqa: T201 - what it is for


async def main() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/orders.db"
        schema.migrate(url)
        async with open_shop(url, Path(folder)) as shop:
            await tell(shop, 0)
            await subscribed(shop.api, "order.*")
            await tell(shop, 1)


if __name__ == "__main__":
    asyncio.run(main())
