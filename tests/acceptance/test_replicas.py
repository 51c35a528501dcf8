"""Three processes of three roles on one PostgreSQL, while connections, processes and the server itself break."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from tests.harness.client import OrderRequest
from tests.harness.facts import read_dead_pids, read_facts
from tests.harness.orders import OrdersServer
from tests.harness.postgres import OwnPostgres, own_postgres
from tests.harness.receiver import Answer, always
from tests.harness.stage import Stage, staged

ROLES = ("api", "worker", "all")
ORDERS_PER_ROUND, CONNECTIONS = 90, 12
STOCK = {"lamp": 10**6, "rug": 10**6}
BOTH = (("lamp", 1), ("rug", 1))

_BREAK_CONNECTIONS = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


@pytest.fixture
def dice() -> random.Random:
    seed = random.SystemRandom().getrandbits(32)
    print(f"random.Random({seed})")  # noqa: T201 - shown when the test fails
    return random.Random(seed)  # noqa: S311 - faults, no secrets


@dataclass
class Nemesis:
    """Breaks one thing at a time."""

    database: OwnPostgres
    servers: list[OrdersServer]
    dice: random.Random

    async def break_connections(self) -> None:
        with psycopg.connect(self.database.url, autocommit=True) as connection:
            connection.execute(_BREAK_CONNECTIONS)

    async def kill_a_process(self) -> None:
        victim = self.dice.choice(self.servers)
        await victim.kill()
        await victim.serve()

    async def crash_the_database(self) -> None:
        await asyncio.to_thread(self.database.crash)
        await asyncio.to_thread(self.database.start)

    def in_any_order(self) -> list[Callable[[], Awaitable[None]]]:
        faults = [self.break_connections, self.kill_a_process, self.crash_the_database]
        return self.dice.sample(faults, len(faults))


@asynccontextmanager
async def _of_all_roles(stage: Stage) -> AsyncIterator[list[OrdersServer]]:
    async with AsyncExitStack() as stack:
        starting = [stack.enter_async_context(stage.installation.playing(role).serving(role)) for role in ROLES]
        yield [await each for each in starting]


@pytest.mark.parametrize("rounds", [1, pytest.param(20, marks=pytest.mark.faults)])
async def test_nothing_is_lost_or_done_twice_whatever_breaks(tmp_path: Path, dice: random.Random, rounds: int) -> None:
    orders = rounds * ORDERS_PER_ROUND
    with own_postgres() as database:
        async with staged(database.url, tmp_path, stock=STOCK) as stage:
            stage.receiver.behaviour = always(Answer(delay_seconds=0.02))
            async with _of_all_roles(stage) as servers:
                nemesis = Nemesis(database, servers, dice)
                async with asyncio.TaskGroup() as story:
                    story.create_task(_order_until_answered(stage, servers, orders))
                    for start in range(0, orders, ORDERS_PER_ROUND):
                        for moment, fault in enumerate(nemesis.in_any_order(), start=1):
                            await stage.receiver.until_accepted(start + 20 * moment)
                            await fault()
                await stage.until_settled()
                assert not read_dead_pids(database.url) & {server.pid for server in servers}
        assert stage.violations() == []
        assert [order.status for order in read_facts(database.url).orders.values()] == ["completed"] * orders


async def _order_until_answered(stage: Stage, servers: list[OrdersServer], orders: int) -> None:
    """From whoever takes orders; their lines in both directions."""
    takers = [server for server, role in zip(servers, ROLES, strict=True) if role != "worker"]
    async with stage.client(*takers, timeout_seconds=5) as client:
        requests = [OrderRequest(BOTH[:: 1 if number % 2 else -1]) for number in range(orders)]
        await client.place_all(requests, connections=CONNECTIONS, until_answered=True)
