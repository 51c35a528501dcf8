"""A fleet on one broker: an API that carries nothing on itself, and Celery workers that a test starts and kills."""

import asyncio
import sys
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tests.harness.client import OrderRequest
from tests.harness.facts import read_order_runs
from tests.harness.orders import Installation, OrdersServer
from tests.harness.receiver import Answer, always
from tests.harness.remote_control import RemoteControl
from tests.harness.scrape import scrape
from tests.harness.stage import Stage, staged, until

NAMES = ("one", "two")
CELERY = Path(sys.executable).parent / "celery"
LAUNCH = Path(__file__).parents[1] / "acceptance" / "launch_celery.py"


def celery_worker(installation: Installation, name: str, *plants: str, options: Sequence[str] = ()) -> OrdersServer:
    """One more Celery worker of it, not yet started: as people type it, unless something is planted in it.

    `plants` are what `tests/acceptance/launch_celery.py` changes in it; `options` are Celery's own.
    """
    command = [sys.executable, str(LAUNCH), *plants, "--"] if plants else [str(CELERY)]
    arguments = ["-A", "orders_service.celery", "worker", "--hostname", f"{name}@%h", *options]
    log = installation.folder / f"{name}.log"
    return OrdersServer([*command, *arguments], environment=installation.environment, log=log)


@dataclass(frozen=True)
class Fleet:
    """`remote` is how an operator reaches its workers."""

    stage: Stage
    api: OrdersServer
    workers: tuple[OrdersServer, ...]
    remote: RemoteControl

    async def until_listening(self) -> None:
        """Until all workers answer through the broker: from here on each of them takes messages."""
        await until(lambda: len(self.remote.ask("ping", workers=len(self.workers))) == len(self.workers))

    async def until_carried(self) -> None:
        """Until the API reaches its broker.

        Its first connection may take longer than it is waited for, and then what it was for is dropped: workers that
        never sweep are told of that by hand.
        """
        await self.place(1)
        while not await counted(self.api, "pipeline_wakeups_total", outcome="published"):
            await self.place(1)
        self.remote.wake(*[run.id for run in read_order_runs(self.stage.database_url) if run.owner is None])
        await self.until_done()

    async def place(self, count: int) -> None:
        """Place so many orders, and have each of them accepted at the first try."""
        async with self.stage.client(self.api) as client:
            heard = await client.place_all([OrderRequest((("lamp", 1),)) for _ in range(count)], connections=8)
        assert {each.status for each in heard} == {201}

    @asynccontextmanager
    async def held(self, count: int) -> AsyncIterator[None]:
        """Place so many orders with a warehouse that does not answer before the end of the block."""
        receiver, answer = self.stage.receiver, asyncio.Event()
        before, usual = len(receiver.deliveries), receiver.behaviour
        receiver.behaviour = always(Answer(kept_until=answer))
        try:
            await self.place(count)
            await receiver.until(lambda it: len(it.deliveries) == before + count)
            yield
        finally:
            answer.set()
            receiver.behaviour = usual

    async def until_done(self, *, but: Collection[object] = ()) -> None:
        """Until all orders are completed; `but` are runs that belong to none."""
        others = {str(each) for each in but}
        await self.stage.until_runs(lambda runs: {run.state for run in runs if run.id not in others} == {"completed"})

    @asynccontextmanager
    async def nothing_twice(self) -> AsyncIterator[None]:
        """In this block each order is sent to the warehouse once: more than the promise, where nothing dies."""
        sent, orders = len(self.stage.receiver.deliveries), len(read_order_runs(self.stage.database_url))
        yield
        assert self.stage.violations() == []
        orders = len(read_order_runs(self.stage.database_url)) - orders
        assert len(self.stage.receiver.deliveries) - sent == orders

    async def counted(self, name: str, **labels: str) -> list[float]:
        """By worker, what it has counted under this name with these labels."""
        return [await counted(worker, name, **labels) for worker in self.workers]


@asynccontextmanager
async def fleet(
    database_url: str,
    folder: Path,
    broker_url: str,
    *,
    lease_seconds: float = 15.0,
    plants: Sequence[str] = (),
    api_plants: Sequence[str] = (),
) -> AsyncIterator[Fleet]:
    """One API and two workers, all ready; what is left of them afterwards is killed."""
    async with staged(
        database_url, folder, stock={"lamp": 100_000}, lease_seconds=lease_seconds, celery_broker_url=broker_url
    ) as stage:
        here = stage.installation
        api = replace(here, settings={**here.settings, "ORDERS_ROLE": "api"}).server("api", *api_plants)
        workers = tuple(celery_worker(here, name, *plants) for name in NAMES)
        with RemoteControl(broker_url) as remote:
            async with started(api, *workers):
                ours = Fleet(stage, api, workers, remote)
                await ours.until_listening()
                yield ours


@asynccontextmanager
async def started(*servers: OrdersServer) -> AsyncIterator[None]:
    """Start them all at once, and wait until they are ready."""
    try:
        for server in servers:
            server.start()
        for server in servers:
            await server.until_ready(server.ready_url)
        yield
    finally:
        for server in servers:
            await server.kill()


async def counted(server: OrdersServer, name: str, **labels: str) -> float:
    """The sum of a server's samples that have this name and these labels."""
    samples = await scrape(server.url)
    return sum(each.value for each in samples if each.name == name and labels.items() <= each.labels.items())
