"""What a report costs those who order meanwhile: latency of orders without and with one, in one run.

python -m tests.benchmarks.reports, on SQLite and on a PostgreSQL of its own, with 100,000 orders in the year before.
Orders come in over four lines of a client in the same process, so that a loop that is blocked is seen by all of them.
"""

import argparse
import asyncio
import logging
import resource
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import quantiles
from uuid import UUID

import structlog

from orders_service import schema
from pipelines import RunStands, RunState
from tests.benchmarks.orders import say
from tests.builders.orders import an_order
from tests.builders.sales import a_sale, requested, store
from tests.builders.shop import Shop, open_shop
from tests.harness.postgres import fresh_database, own_postgres

LINES = 4
CHUNK = 2000
YEAR = timedelta(days=365)
HEAD = (
    "| database | report | seconds | CPU s | orders p50 ms, without and with | p99 ms, without and with "
    "| worst loop lag ms, without and with |\n|---|---|---:|---:|---:|---:|---:|"
)


class Watch:
    """What others see while something happens."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._goes_on = True
        self.seconds: list[float] = []
        self.lag = 0.0

    async def during(self, work: Awaitable[object]) -> "Watch":
        watchers = [asyncio.create_task(each()) for each in [self._order] * LINES + [self._tick]]
        await work
        self._goes_on = False
        await asyncio.gather(*watchers)
        return self

    async def _order(self) -> None:
        while self._goes_on:
            began = time.perf_counter()
            await self._shop.placed(an_order(lamp=1))
            self.seconds.append(time.perf_counter() - began)
            await asyncio.sleep(0.005)

    async def _tick(self) -> None:
        while self._goes_on:
            began = time.perf_counter()
            await asyncio.sleep(0.001)
            self.lag = max(self.lag, time.perf_counter() - began - 0.001)

    def percentile(self, percent: int) -> float:
        return quantiles(self.seconds, n=100)[percent - 1] * 1000


async def measure(database: str, url: str, folder: Path, orders: int) -> None:
    schema.migrate(url)
    async with open_shop(url, folder) as shop:
        await shop.write("UPDATE stock SET available = 1000000000")
        begin = datetime.now(UTC) - YEAR
        for first in range(0, orders, CHUNK):
            sales = [
                a_sale(begin + YEAR * place / orders, email=f"c{place % 7919}@example.com", mug=1, lamp=2)
                for place in range(first, first + CHUNK)
            ]
            await shop.process.write(partial(store, sales=sales))
        await shop.write("ANALYZE")
        await Watch(shop).during(asyncio.sleep(1))
        for kind in ("sales", "customers"):
            await shop.settled()
            without = await Watch(shop).during(asyncio.sleep(3))
            await shop.settled()
            began, cpu = time.perf_counter(), _cpu()
            await _report(shop, kind)
            alone, cost = time.perf_counter() - began, _cpu() - cpu
            beside = await Watch(shop).during(_for_seconds(3, partial(_report, shop, kind)))
            say(
                f"| {database} | {kind} | {alone:.2f} | {cost:.2f} "
                f"| {without.percentile(50):.1f} {beside.percentile(50):.1f} "
                f"| {without.percentile(99):.1f} {beside.percentile(99):.1f} "
                f"| {without.lag * 1000:.0f} {beside.lag * 1000:.0f} |"
            )


async def _report(shop: Shop, kind: str) -> None:
    day = datetime.now(UTC).date()
    report = await requested(shop, type=kind, since=f"{day - timedelta(days=366)}", until=f"{day}")
    async with shop.process.watch(UUID(report["run"]["id"])) as watch:
        async for news in watch:
            if isinstance(news, RunStands) and news.state.is_terminal:
                assert news.state is RunState.COMPLETED, news
                return


async def _for_seconds(seconds: float, work: Callable[[], Awaitable[None]]) -> None:
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        await work()


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main(orders: int) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    say(HEAD)
    root = Path("var")
    root.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=root.resolve()) as place:
        folder = Path(place)
        asyncio.run(measure("sqlite", f"sqlite:///{folder}/orders.db", folder, orders))
        with own_postgres({}, parent=folder) as postgres, fresh_database(postgres) as url:
            asyncio.run(measure("postgresql", url, folder, orders))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=100_000)
    main(parser.parse_args().orders)
