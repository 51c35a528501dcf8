"""A minute of a fleet's worst days: workers and broker end at random, and every order is done, and done once."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from tests.harness.client import OrderRequest
from tests.harness.facts import read_dead_pids
from tests.harness.fleet import Fleet, fleet
from tests.harness.orders import OrdersServer
from tests.harness.postgres import Postgres, fresh_database
from tests.harness.rabbitmq_server import MISSING, RabbitmqServer, own_rabbitmq, rabbitmq_executable
from tests.harness.receiver import Answer, always
from tests.harness.redis_server import RedisServer, own_redis
from tests.harness.stage import until

SECONDS = 60
FENCED = 70  # the exit code of a process that may write no more

Broker = RedisServer | RabbitmqServer
Fault = Callable[[], Awaitable[None]]

pytestmark = pytest.mark.faults


@pytest.fixture(
    params=[
        own_redis,
        pytest.param(own_rabbitmq, marks=pytest.mark.skipif(rabbitmq_executable() is None, reason=MISSING)),
    ],
    ids=["redis", "rabbitmq"],
)
def broker(request: pytest.FixtureRequest) -> Iterator[Broker]:
    with request.param() as broker:
        yield broker


@pytest.fixture
def dice() -> random.Random:
    seed = random.SystemRandom().getrandbits(32)
    print(f"random.Random({seed})")  # noqa: T201 - shown when the test fails
    return random.Random(seed)  # noqa: S311 - faults, no secrets


async def test_orders_survive_a_minute_of_faults(
    postgres: Postgres, broker: Broker, dice: random.Random, tmp_path: Path
) -> None:
    with fresh_database(postgres) as url:
        async with fleet(url, tmp_path, broker.url, lease_seconds=2) as ours:
            ours.stage.receiver.behaviour = always(Answer(delay_seconds=0.05))
            chaos = Chaos(ours, broker, dice)
            async with asyncio.TaskGroup() as story:
                ordering = story.create_task(order_without_end(ours))
                await chaos.rage(SECONDS)
                ordering.cancel()
            await ours.until_done()
            orders = len(ours.stage.evidence().facts.orders)
            again = len(ours.stage.receiver.deliveries) - orders
            print(f"{orders} orders, {again} sent again, {dict(chaos.done)}")  # noqa: T201 - the figures
            assert ours.stage.violations() == []


class Chaos:
    """One fault after another; each worker is back before the next one."""

    def __init__(self, ours: Fleet, broker: Broker, dice: random.Random) -> None:
        self._ours = ours
        self._broker = broker
        self._dice = dice
        self.done = Counter[str]()

    async def rage(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        faults = (self.kill, self.kill, self.pause, self.terminate, self.break_broker)
        while loop.time() < end:
            await asyncio.sleep(self._dice.uniform(0.5, 3))
            fault = self._dice.choice(faults)
            await fault(self._dice.choice(self._ours.workers))
            self.done[fault.__name__] += 1

    async def kill(self, worker: OrdersServer) -> None:
        await worker.kill()
        await worker.serve()

    async def pause(self, worker: OrdersServer) -> None:
        """For longer than its lease."""
        worker.pause()
        await until(lambda: worker.pid in read_dead_pids(self._ours.stage.database_url))
        worker.resume()
        assert (await worker.until_exit()).code == FENCED
        await worker.serve()

    async def terminate(self, worker: OrdersServer) -> None:
        worker.terminate()
        assert (await worker.until_exit()).code == 0
        await worker.serve()

    async def break_broker(self, _: OrdersServer) -> None:
        """And have it back, empty in the case of Redis."""
        await asyncio.to_thread(self._broker.kill)
        await asyncio.sleep(self._dice.uniform(0, 3))
        await asyncio.to_thread(self._broker.start)


async def order_without_end(ours: Fleet) -> None:
    async with ours.stage.client(ours.api) as client:
        while True:
            heard = await client.place_all([OrderRequest((("lamp", 1),)) for _ in range(16)], connections=8)
            assert {each.status for each in heard} == {201}
            await asyncio.sleep(0.1)
