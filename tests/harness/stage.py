"""A stage for whole stories: one installation, its warehouse, what its clients heard, and the judge at the end."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from orders_service import schema, starting
from orders_service.settings import Settings
from tests.harness import births
from tests.harness.checker import TERMINAL, Evidence, read_mailbox, violations
from tests.harness.client import Client
from tests.harness.facts import StoredRun, fulfilling, read_facts, reading_runs
from tests.harness.ledger import entries
from tests.harness.orders import ADMIN_KEY, SECRET, Installation, OrdersServer
from tests.harness.receiver import Receiver, webhook_receiver

_POLL_SECONDS = 0.05
_PATIENCE_SECONDS = 120.0  # servers start meanwhile


@dataclass(frozen=True)
class Stage:
    """Migrated and seeded; no server runs yet."""

    installation: Installation
    receiver: Receiver
    stock: Mapping[str, int]

    @property
    def database_url(self) -> str:
        return self.installation.database_url

    @property
    def folder(self) -> Path:
        return self.installation.folder

    def client(self, *servers: OrdersServer, timeout_seconds: float = 10.0) -> Client:
        """It talks to these servers in turn; what it hears goes into the ledger that the judge reads."""
        urls = [server.url for server in servers]
        return Client(urls, ADMIN_KEY, self.folder / "client", timeout_seconds=timeout_seconds)

    async def until_settled(self) -> None:
        """Until no run is open, of whatever pipeline."""
        with reading_runs(self.database_url) as read:
            await until(lambda: bool(runs := read()) and all(run.state in TERMINAL for run in runs))

    async def until_runs(self, condition: Callable[[Sequence[StoredRun]], bool]) -> None:
        """Until there are orders, and this holds of the runs that fulfill them. Mails and schedules have others."""
        with reading_runs(self.database_url) as read:
            await until(lambda: bool(runs := fulfilling(read())) and condition(runs))

    def evidence(self, excused: Iterable[str] = ()) -> Evidence:
        """Everything the judge wants. Ask when the servers have ended."""
        return Evidence(
            facts=read_facts(self.database_url),
            client=entries(self.folder / "client"),
            receiver=entries(self.folder / "receiver"),
            mails=read_mailbox(self.folder / "mailbox"),
            initial_stock=self.stock,
            excused=frozenset(excused),
        )

    def violations(self, excused: Iterable[str] = ()) -> list[str]:
        """What is wrong with all of it."""
        return violations(self.evidence(excused))


@asynccontextmanager
async def staged(
    database_url: str, folder: Path, *, stock: Mapping[str, int], lease_seconds: float = 15.0, **settings: object
) -> AsyncIterator[Stage]:
    """Set it up; `settings` are those of the service, by their own names."""
    async with webhook_receiver(SECRET, folder / "receiver") as receiver:
        installation = Installation(
            database_url=database_url,
            folder=folder,
            fulfillment_url=receiver.url,
            lease_seconds=lease_seconds,
            settings={f"ORDERS_{name.upper()}": str(value) for name, value in settings.items()},
        )
        await asyncio.to_thread(_prepare, installation, stock)
        yield Stage(installation, receiver, stock)


async def until(condition: Callable[[], bool]) -> None:
    """Ask in a thread, again and again, until it holds."""
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while not await asyncio.to_thread(condition):  # noqa: ASYNC110 - other processes set no event of ours
            await asyncio.sleep(_POLL_SECONDS)


def _prepare(installation: Installation, stock: Mapping[str, int]) -> None:
    """As `orders migrate` and `orders seed` do, without the seconds that two more processes take to start."""
    catalog = installation.folder / "catalog.json"
    price = {"amount": 1999, "currency": "EUR"}
    catalog.write_text(
        json.dumps([{"sku": sku, "name": sku, "price": price, "available": count} for sku, count in stock.items()])
    )
    births.warm_up()
    schema.migrate(installation.database_url)
    starting.seed(Settings(database_url=SecretStr(installation.database_url)), catalog)
