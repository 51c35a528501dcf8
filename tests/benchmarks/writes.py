"""What an order costs its PostgreSQL, counted and not timed: rows, COMMITs, WAL, and bytes that stay on the disk.

python -m tests.benchmarks.writes, with --apart for one process that takes orders and another that carries them on. The
counts are the same on any machine but for the COMMITs: how many writes share one depends on how fast orders come. Each
load is measured twice, on a server that writes full pages into its WAL and on one that does not. docs/scale.md reckons
with these figures.
"""

import argparse
import asyncio
import math
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks import meters
from tests.benchmarks.fleet import Camp, front, pitched
from tests.benchmarks.measuring import post
from tests.benchmarks.meters import Meters
from tests.benchmarks.orders import say
from tests.benchmarks.subjects import Running, Site
from tests.benchmarks.warehouse import Warehouse, warehouse
from tests.harness.postgres import Postgres, fresh_database, own_postgres

MARKS = (100, 300, 1000, 3000)
SLOWLY = 4.0  # orders a second: each is done before the next one comes
NO_FULL_PAGES = {"full_page_writes": "off"}
SETTLED = ("VACUUM ANALYZE", "CHECKPOINT")
PRUNED = ("DELETE FROM attempts", "DELETE FROM runs", "VACUUM runs", "VACUUM attempts")
_POLL_SECONDS = 0.05
_PATIENCE_SECONDS = 300.0
LOADS = "| load | orders/s | COMMITs per order | WAL bytes per order | without full pages |\n|---|--:|--:|--:|--:|"


@dataclass(frozen=True)
class Stretch:
    """So many orders under one load, and what they cost."""

    load: str
    orders: int
    seconds: float
    cost: Meters

    @property
    def wal(self) -> float:
        return self.cost.wal_bytes / self.orders

    @property
    def commits(self) -> float:
        return self.cost.commits / self.orders


@dataclass(frozen=True)
class Account:
    """What was measured on one server: loads, WAL bytes after each mark, all of it, and WAL bytes per pruned order."""

    stretches: list[Stretch]
    since_checkpoint: Mapping[int, int]
    orders: int
    total: Meters
    pruning: float


class Book:
    """Places orders, waits for their ends and reads the meters."""

    def __init__(self, url: str, sink: Warehouse) -> None:
        self._url = url
        self._sink = sink
        self.completed = 0

    async def stretch(
        self, running: Running, connections: int, orders: int, *, per_second: float = math.inf
    ) -> Stretch:
        before, began = meters.read(self._url), time.perf_counter()
        heard = await post(running, self.completed, orders, connections, per_second=per_second)
        if heard["accepted"] < orders:
            raise SystemExit(f"{heard['refused']} orders were refused")
        self.completed += orders
        await self._until_completed()
        load = f"{connections} at once" if per_second == math.inf else f"{per_second:g} a second"
        return Stretch(load, orders, time.perf_counter() - began, meters.read(self._url) - before)

    async def _until_completed(self) -> None:
        """The warehouse is asked, and then who has a run in hand: neither adds much to what is counted."""
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while await self._sink.taken() < self.completed or meters.in_hand(self._url):  # noqa: ASYNC110 - of others
                await asyncio.sleep(_POLL_SECONDS)


async def account(postgres: Postgres, options: argparse.Namespace, parent: Path) -> Account:
    with fresh_database(postgres) as url, tempfile.TemporaryDirectory(dir=parent) as folder:
        async with warehouse() as sink:
            camp, book = await pitched(Site(url, Path(folder), sink.url)), Book(url, sink)
            if options.warm_up:  # what only the first start writes
                async with served(camp, apart=options.apart) as running:
                    await book.stretch(running, 8, options.warm_up)
            before = await settled(url)
            async with served(camp, apart=options.apart) as running:
                marks = await since_checkpoint(book, running, options.most)
                stretches = [await book.stretch(running, 2, options.slow, per_second=SLOWLY)] if options.slow else []
                stretches += [await book.stretch(running, each, options.orders) for each in options.connections]
        after = await settled(url)
        meters.order(url, PRUNED)
        pruning = (meters.read(url).wal_bytes - after.wal_bytes) / book.completed
        return Account(stretches, marks, book.completed - options.warm_up, after - before, pruning)


async def settled(url: str) -> Meters:
    """What all have counted who were connected: a backend reports when it ends, which its client does not wait for."""
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while meters.others(url):  # noqa: ASYNC110 - of others
            await asyncio.sleep(_POLL_SECONDS)
    meters.order(url, SETTLED)
    return meters.read(url)


async def since_checkpoint(book: Book, running: Running, most: int) -> dict[int, int]:
    """WAL bytes from a CHECKPOINT to so many orders after it: each page is written in full when first changed."""
    written, marks = 0, [mark for mark in MARKS if mark <= most]
    found = {}
    for done, mark in zip([0, *marks], marks, strict=False):
        written += (await book.stretch(running, 32, mark - done)).cost.wal_bytes
        found[mark] = written
    return found


@asynccontextmanager
async def served(camp: Camp, *, apart: bool) -> AsyncIterator[Running]:
    if not apart:
        async with camp.one("all") as server:
            yield front(server)
        return
    async with camp.one("worker"), camp.one("api") as server:
        yield front(server)


def tell(whole: Account, bare: Account) -> None:
    say(LOADS)
    for one, other in zip(whole.stretches, bare.stretches, strict=True):
        rate = one.orders / one.seconds
        say(f"| {one.load} | {rate:.0f} | {one.commits:.2f} | {one.wal:,.0f} | {other.wal:,.0f} |")
    say("\n| orders since a CHECKPOINT | WAL bytes per order | without full pages |\n|--:|--:|--:|")
    for mark, written in whole.since_checkpoint.items():
        say(f"| {mark:,} | {written / mark:,.0f} | {bare.since_checkpoint[mark] / mark:,.0f} |")
    tell_rows(whole)
    say(f"Its run and attempts deleted: {whole.pruning:,.0f} bytes of WAL, {bare.pruning:,.0f} without full pages.")


def tell_rows(whole: Account) -> None:
    say(
        "\n| table | inserted | updated | of it HOT | deleted | scans | rows read | table bytes | index bytes |\n"
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|"
    )
    for name, rows in sorted(whole.total.tables.items(), key=lambda pair: -pair[1].written):
        if max(rows.written, rows.read) < whole.orders / 10:
            continue
        hot = f"{rows.hot / rows.updated:.0%}" if rows.updated else ""
        each = [rows.inserted, rows.updated, rows.deleted, rows.scans, rows.read, rows.table_bytes, rows.index_bytes]
        inserted, updated, deleted, scans, read, table, index = (value / whole.orders for value in each)
        say(
            f"| {name} | {inserted:.2f} | {updated:.2f} | {hot} | {deleted:.2f} | {scans:.1f} | {read:.1f} "
            f"| {table:,.0f} | {index:,.0f} |"
        )
    written = sum(rows.written for rows in whole.total.tables.values())
    total = (written, whole.total.transactions, whole.total.blocks_read, whole.total.full_pages)
    writes, transactions, blocks, pages = (value / whole.orders for value in total)
    say(
        f"\nPer order, over {whole.orders:,}: {writes:.1f} rows written; {transactions:.2f} transactions, all told; "
        f"{blocks:.2f} blocks read into the buffers; {pages:.2f} full pages."
    )


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.writes", description=__doc__)
    parser.add_argument("--orders", type=int, default=500, help="under each load")
    parser.add_argument("--slow", type=int, default=60, help="orders that come one after another")
    parser.add_argument("--connections", type=int, nargs="+", default=[1, 8, 32, 128])
    parser.add_argument("--most", type=int, default=MARKS[-1], help="orders since a CHECKPOINT")
    parser.add_argument("--warm-up", type=int, default=300)
    parser.add_argument("--apart", action="store_true", help="one process takes orders, another carries them on")
    return parser.parse_args()


async def compare(chosen: argparse.Namespace, place: Path) -> None:
    accounts = []
    for settings in ({}, NO_FULL_PAGES):
        with own_postgres(settings, parent=place) as postgres:
            accounts.append(await account(postgres, chosen, place))
    tell(*accounts)


def main() -> None:
    chosen = options()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends its servers too, as Ctrl-C does
    root = Path("var")
    root.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=root.resolve()) as parent:
        asyncio.run(compare(chosen, Path(parent)))


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
