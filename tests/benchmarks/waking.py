"""How soon a worker takes up what another process has accepted: by looking each second, or woken through Celery.

Three fleets on one PostgreSQL. "all": processes that accept and work, so each has its own orders in hand at once.
"sweep": one process accepts, workers look for what is due. "celery": the same with a Redis, and Celery workers that
are told. Orders come at a slow pace ("trickle"), and then as fast as they are answered ("rush"). Times are those of
the journal: from the row of the run to its first step, and to its end. CPU seconds per 1,000 orders are those of all
processes of the service, of PostgreSQL, and of Redis; at a slow pace they hold what a fleet uses while it waits.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.fleet import Camp, front, pitched
from tests.benchmarks.histories import History, Journal, percentile
from tests.benchmarks.measuring import post
from tests.benchmarks.orders import say
from tests.benchmarks.stage import stage
from tests.benchmarks.subjects import Site
from tests.benchmarks.warehouse import warehouse
from tests.harness.fleet import celery_worker
from tests.harness.orders import Installation, OrdersServer
from tests.harness.postgres import OwnPostgres, fresh_database
from tests.harness.redis_server import RedisServer, own_redis

FLEETS = ("all", "sweep", "celery")
CONNECTIONS = 32
WARM_UP = 100
_POLL_SECONDS = 0.1
_PATIENCE_SECONDS = 300.0
HEAD = (
    "| fleet | load | first step after: p50 ms | p99 ms | completed after: p50 ms | completed/s "
    "| CPU s per 1,000: service | database | broker |\n|---|---|---:|---:|---:|---:|---:|---:|---:|"
)


@dataclass(frozen=True)
class Fleet:
    """Processes that are ready: orders go to the fronts in equal parts."""

    fronts: Sequence[OrdersServer]
    workers: Sequence[OrdersServer]
    postgres: OwnPostgres
    broker: RedisServer | None

    def cpu_seconds(self) -> tuple[float, float, float]:
        """Of the service, the database and the broker."""
        members = {server.pid: server for server in (*self.fronts, *self.workers)}
        used = self.broker.client.info("cpu") if self.broker is not None else {}
        broker = float(used.get("used_cpu_sys", 0)) + float(used.get("used_cpu_user", 0))
        return sum(each.cpu_seconds() for each in members.values()), self.postgres.cpu_seconds(), broker


class Dispatch:
    """Sends orders to a fleet and reads in the journal how they went."""

    def __init__(self, fleet: Fleet, journal: Journal) -> None:
        self._fleet = fleet
        self._journal = journal
        self._posted = 0

    async def load(self, orders: int, per_second: float) -> tuple[list[History], list[float]]:
        """Their histories, and the CPU seconds of service, database and broker."""
        began, before = time.time(), self._fleet.cpu_seconds()
        fronts = self._fleet.fronts
        part = orders // len(fronts)
        await asyncio.gather(*(self._post(server, part, per_second / len(fronts)) for server in fronts))
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while self._journal.backlog() != (0, 0):  # noqa: ASYNC110 - of other processes
                await asyncio.sleep(_POLL_SECONDS)
        used = [after - was for was, after in zip(before, self._fleet.cpu_seconds(), strict=True)]
        return self._journal.completed_since(began), used

    async def _post(self, server: OrdersServer, orders: int, per_second: float) -> None:
        first, self._posted = self._posted, self._posted + orders
        connections = CONNECTIONS // len(self._fleet.fronts)
        heard = await post(front(server), first, orders, connections, per_second=per_second)
        if heard["accepted"] != orders:
            raise SystemExit(f"{heard['refused']} orders were refused; the front says:\n{server.log_end()}")


@asynccontextmanager
async def assembled(
    kind: str, count: int, camp: Camp, postgres: OwnPostgres, broker: RedisServer | None
) -> AsyncIterator[Fleet]:
    if kind == "all":
        async with camp.several("all", count) as servers:
            yield Fleet(servers, [], postgres, None)
        return
    settings = {"ORDERS_CELERY_BROKER_URL": broker.url} if broker is not None else {}
    make = celery_worker if broker is not None else Installation.server
    async with (
        camp.one("api", settings) as api,
        camp.several("worker", count, settings, make=make) as workers,
    ):
        yield Fleet([api], workers, postgres, broker)


async def compare(chosen: argparse.Namespace, postgres: OwnPostgres, parent: Path) -> None:
    loads = {"trickle": (chosen.trickle, chosen.per_second), "rush": (chosen.rush, float("inf"))}
    say(HEAD)
    for _ in range(chosen.rounds):
        for kind in chosen.fleets:
            with ExitStack() as stack:
                url = stack.enter_context(fresh_database(postgres))
                folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=parent)))
                broker = stack.enter_context(own_redis()) if kind == "celery" else None
                journal = Journal(url)
                stack.callback(journal.close)
                async with warehouse() as sink:
                    camp = await pitched(Site(url, folder, sink.url))
                    async with assembled(kind, chosen.workers, camp, postgres, broker) as fleet:
                        dispatch = Dispatch(fleet, journal)
                        await dispatch.load(WARM_UP, float("inf"))
                        for load, (orders, per_second) in loads.items():
                            histories, used = await dispatch.load(orders, per_second)
                            say(row(kind, load, histories, used))


def row(kind: str, load: str, histories: Sequence[History], used: Sequence[float]) -> str:
    waits, lives = [each.wait_ms for each in histories], [each.life_ms for each in histories]
    seconds = histories[-1].completed_at - min(each.accepted_at for each in histories)
    service, database, broker = (1000 * each / len(histories) for each in used)
    return (
        f"| {kind} | {load} | {percentile(waits, 50):.0f} | {percentile(waits, 99):.0f} | {percentile(lives, 50):.0f} "
        f"| {len(histories) / seconds:.0f} | {service:.2f} | {database:.2f} | {broker:.2f} |"
    )


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.waking", description=__doc__)
    parser.add_argument("--fleet", dest="fleets", nargs="+", choices=FLEETS, default=FLEETS)
    parser.add_argument("--workers", type=int, default=2, help="processes that carry orders on")
    parser.add_argument("--trickle", type=int, default=200, help="orders that come slowly")
    parser.add_argument("--per-second", type=float, default=20.0, help="as slowly as this")
    parser.add_argument("--rush", type=int, default=2000, help="orders that come as fast as they are answered")
    parser.add_argument("--rounds", type=int, default=1)
    return parser.parse_args()


def main() -> None:
    chosen = options()
    with stage() as (postgres, place):
        asyncio.run(compare(chosen, postgres, place))


if __name__ == "__main__":
    main()
