"""A process sleeps for longer than its lease: others do its work, and when it wakes it changes nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.harness.checker import REQUESTED
from tests.harness.client import OrderRequest
from tests.harness.facts import read_dead_pids, read_facts
from tests.harness.orders import OrdersServer
from tests.harness.postgres import Postgres, fresh_database
from tests.harness.receiver import ACCEPT, Answer, Behaviour, Delivery
from tests.harness.stage import Stage, staged, until

FENCED = 70  # the exit code of a process that may write no more


@pytest.fixture
async def stage(postgres: Postgres, tmp_path: Path) -> AsyncIterator[Stage]:
    with fresh_database(postgres) as url:
        async with staged(url, tmp_path, stock={"lamp": 10}, lease_seconds=2) as stage:
            yield stage


async def test_a_process_that_wakes_after_its_lease_writes_nothing_and_ends(stage: Stage) -> None:
    async with _woken_too_late(stage) as zombie:
        assert (await zombie.until_exit()).code == FENCED
        assert "declared dead by another process" in zombie.log_end()
    orders = read_facts(stage.database_url).orders
    assert [order.status for order in orders.values()] == ["failed"]
    assert stage.violations(excused=orders) == []


async def test_a_process_that_sleeps_inside_its_transaction_is_given_up(stage: Stage) -> None:
    serving = stage.installation.serving
    async with serving("sleeper", "sleeps_before_commit=1") as sleeper, serving("rescuer") as rescuer:
        async with stage.client(sleeper, rescuer, timeout_seconds=2) as client:
            assert (await client.insist(OrderRequest((("lamp", 1),)))).status == 201
        await until(lambda: sleeper.pid in read_dead_pids(stage.database_url))
        sleeper.resume()
        assert (await sleeper.until_exit()).code == FENCED
        await stage.until_settled()
    assert stage.violations() == []


async def test_a_forgotten_fence_is_noticed(stage: Stage) -> None:
    async with _woken_too_late(stage, "forgets_the_fence"):
        await stage.until_runs(lambda runs: runs[0].state == "completed")
    orders = read_facts(stage.database_url).orders
    [violation] = stage.violations(excused=orders)  # the order itself moves only from where it is open
    assert "is failed and its run completed" in violation


@asynccontextmanager
async def _woken_too_late(stage: Stage, *plants: str) -> AsyncIterator[OrdersServer]:
    """While the warehouse keeps it waiting it falls asleep; another takes its run over, and is refused for good."""
    late = asyncio.Event()
    stage.receiver.behaviour = _accepts_late_and_then_refuses(late)
    serving = stage.installation.serving
    async with serving("sleeper", *plants) as sleeper, serving("rescuer", *plants):
        async with stage.client(sleeper) as client:
            await client.place(OrderRequest((("lamp", 1),)))
        await stage.receiver.until(lambda receiver: bool(receiver.deliveries))
        sleeper.pause()
        await stage.until_settled()
        late.set()
        sleeper.resume()
        yield sleeper


def _accepts_late_and_then_refuses(late: asyncio.Event) -> Behaviour:
    def answer(delivery: Delivery) -> Answer:
        if delivery.event["type"] != REQUESTED:
            return ACCEPT
        return Answer(kept_until=late) if delivery.number == 1 else Answer(status=400)

    return answer
