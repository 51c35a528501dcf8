"""The server is killed at random moments, and at the worst ones: what was acknowledged is done, and done once."""

import asyncio
import random
import signal
from pathlib import Path

import pytest

from tests.harness.checker import Evidence
from tests.harness.client import OrderRequest
from tests.harness.facts import read_dead_pids, read_facts
from tests.harness.orders import OrdersServer
from tests.harness.postgres import Postgres, fresh_database
from tests.harness.receiver import Answer, always
from tests.harness.stage import Stage, staged, until

ORDERS, CONNECTIONS, ORDERS_PER_KILL = 200, 16, 20
STOCK = {"lamp": 10000, "rug": 10000}
DEATHS = (
    "before_commit:reserve_stock",
    "after_commit:reserve_stock",
    "after_step:send_confirmation",
    "after_call:Warehouse.request_fulfillment in notify_warehouse",
)
_ONE_BY_ONE_SECONDS = 300.0  # which is how runs are carried on that have been under way at two deaths
FENCED = 70  # the exit code of a process that may write no more

BUSY = always(Answer(delay_seconds=0.02))  # so that webhooks are under way whenever a process dies


@pytest.fixture
def dice() -> random.Random:
    seed = random.SystemRandom().getrandbits(32)
    print(f"random.Random({seed})")  # noqa: T201 - shown when the test fails
    return random.Random(seed)  # noqa: S311 - faults, no secrets


@pytest.mark.parametrize("kills", [10, pytest.param(200, marks=pytest.mark.faults)])
async def test_orders_survive_kills(tmp_path: Path, dice: random.Random, kills: int) -> None:
    orders = kills * ORDERS_PER_KILL
    async with staged(f"sqlite:///{tmp_path / 'orders.db'}", tmp_path, stock=STOCK) as stage:
        stage.receiver.behaviour = BUSY
        async with stage.installation.serving() as server:
            async with asyncio.TaskGroup() as story:
                story.create_task(_order_until_answered(stage, server, orders=orders))
                for moment in _moments(dice, kills, orders=orders):
                    await _kill(stage, server, moment, dice)
            await stage.until_settled()
    _judge(stage.evidence(), stage.violations(), orders=orders)


async def test_orders_survive_a_killed_and_a_paused_process(
    postgres: Postgres, tmp_path: Path, dice: random.Random
) -> None:
    with fresh_database(postgres) as url:
        async with staged(url, tmp_path, stock=STOCK, lease_seconds=2) as stage:
            stage.receiver.behaviour = BUSY
            serving = stage.installation.serving
            async with serving("killed") as killed, serving("paused") as paused:
                async with asyncio.TaskGroup() as story:
                    story.create_task(_order_until_answered(stage, killed, paused))
                    first, second, third = _moments(dice, 3)
                    await _kill(stage, killed, first, dice)
                    await _pause_beyond_the_lease(stage, paused, second)
                    assert (await paused.until_exit()).code == FENCED
                    await paused.serve()
                    await _kill(stage, killed, third, dice)
                await stage.until_settled()
        _judge(stage.evidence(), stage.violations())


@pytest.mark.parametrize("fault", ["dies_before_commit=2", "dies_after_commit=2"])
async def test_orders_survive_a_death_around_their_commit(tmp_path: Path, fault: str) -> None:
    async with staged(f"sqlite:///{tmp_path / 'orders.db'}", tmp_path, stock=STOCK) as stage:
        await _die_and_start_again(stage, fault)
        assert stage.violations() == []


async def test_an_order_survives_a_death_at_each_of_its_steps(tmp_path: Path) -> None:
    async with staged(f"sqlite:///{tmp_path / 'orders.db'}", tmp_path, stock=STOCK) as stage:
        server = stage.installation.server("server", f"dies_at={DEATHS[0]}")
        await server.serve()
        try:
            async with stage.client(server) as client:
                await client.place(OrderRequest((("lamp", 1), ("rug", 2))))
            for next_death in (*DEATHS[1:], None):
                assert (await server.until_exit()).code == -signal.SIGKILL
                plants = [f"dies_at={next_death}"] if next_death else []
                server.command = stage.installation.server("server", *plants).command
                server.start()
            await stage.until_settled()
        finally:
            await server.kill()
        assert stage.violations() == []
        assert [order.status for order in read_facts(stage.database_url).orders.values()] == ["completed"]


async def test_an_acknowledgement_before_its_commit_is_noticed(tmp_path: Path) -> None:
    async with staged(f"sqlite:///{tmp_path / 'orders.db'}", tmp_path, stock=STOCK) as stage:
        await _die_and_start_again(stage, "acknowledges_before_commit", "dies_before_commit=2")
        assert any("was acknowledged and is not stored" in violation for violation in stage.violations())


async def _die_and_start_again(stage: Stage, *plants: str) -> None:
    async with stage.installation.serving("server", *plants) as server:
        async with asyncio.TaskGroup() as story:
            story.create_task(_order_until_answered(stage, server, orders=64))
            assert (await server.until_exit()).code == -signal.SIGKILL
            server.command = stage.installation.server().command  # with nothing planted
            await server.serve()
        await stage.until_settled()


async def _order_until_answered(stage: Stage, *servers: OrdersServer, orders: int = ORDERS) -> None:
    """The client repeats what was not answered, under the same key."""
    async with stage.client(*servers, timeout_seconds=3) as client:
        requests = [OrderRequest((("lamp", 1), ("rug", 2))) for _ in range(orders)]
        await client.place_all(requests, connections=CONNECTIONS, until_answered=True)


def _moments(dice: random.Random, count: int, *, orders: int = ORDERS) -> list[int]:
    """After so many deliveries each."""
    return sorted(dice.sample(range(1, orders - CONNECTIONS), count))


async def _kill(stage: Stage, server: OrdersServer, moment: int, dice: random.Random) -> None:
    await stage.receiver.until_accepted(moment, within_seconds=_ONE_BY_ONE_SECONDS)
    await asyncio.sleep(dice.uniform(0, 0.03))
    await server.kill()
    await server.serve()


async def _pause_beyond_the_lease(stage: Stage, server: OrdersServer, moment: int) -> None:
    await stage.receiver.until_accepted(moment)
    server.pause()
    await until(lambda: server.pid in read_dead_pids(stage.database_url))
    server.resume()


def _judge(evidence: Evidence, violations: list[str], *, orders: int = ORDERS) -> None:
    assert violations == []
    assert [order.status for order in evidence.facts.orders.values()] == ["completed"] * orders
    assert {sku: shelf.reserved for sku, shelf in evidence.facts.stock.items()} == {"lamp": orders, "rug": 2 * orders}
