"""Clients that go on placing orders while something happens to the servers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.harness.client import Client, OrderRequest
from tests.harness.ledger import entries
from tests.harness.orders import OrdersServer
from tests.harness.stage import Stage

BETWEEN_TURNS = 15
BACKLOG = 20
CONNECTIONS = 4
ANSWERED_SECONDS = 60.0  # servers start beside it, and nothing may go unanswered


class Load:
    """Clients that place order after order, each until it is answered; so many wait for the warehouse, and no more."""

    def __init__(self, stage: Stage, client: Client) -> None:
        self.client, self._stage, self._is_over, self._placed = client, stage, False, 0

    async def goes_on(self, so_many: int = BETWEEN_TURNS) -> None:
        """Until the warehouse has accepted so many more."""
        await self._stage.receiver.until_accepted(len(self._stage.receiver.accepted) + so_many)

    def statuses(self) -> set[int | None]:
        """All that was answered; None where nothing was."""
        return {entry["status"] for entry in entries(self._stage.folder / "client") if "status" in entry}

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(CONNECTIONS):
                group.create_task(self._insist(), name="connection")

    def ends(self) -> None:
        self._is_over = True

    async def _insist(self) -> None:
        while not self._is_over:
            await self._stage.receiver.until(lambda receiver: self._placed < len(receiver.accepted) + BACKLOG)
            self._placed += 1
            await self.client.insist(OrderRequest((("lamp", 1),)))


@asynccontextmanager
async def under_load(stage: Stage, *servers: OrdersServer) -> AsyncIterator[Load]:
    async with stage.client(*servers, timeout_seconds=ANSWERED_SECONDS) as client, asyncio.TaskGroup() as group:
        load = Load(stage, client)
        group.create_task(load.run(), name="load")
        try:
            yield load
        finally:
            load.ends()
