"""One installation of the order service: its database, its folder, and the processes that serve from them."""

import os
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.harness.processes import ServiceProcess, free_port, running
from tests.harness.releases import Release

ORDERS = Path(sys.executable).parent / "orders"
LAUNCH = Path(__file__).parents[1] / "acceptance" / "launch.py"
ADMIN_KEY = "test-admin-key-0123456789abcdef0123456789"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class CommandFailedError(AssertionError):
    """`orders` ended with another code than 0; what it printed says why."""


class OrdersServer(ServiceProcess):
    """`orders serve` on a port of its own, which it keeps when it is started again."""

    def __init__(self, command: Sequence[str], *, environment: Mapping[str, str], log: Path) -> None:
        port = free_port()
        super().__init__(command, environment={**environment, "ORDERS_PORT": str(port)}, log=log)
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.ready_url = f"{self.url}/readyz"

    async def serve(self) -> None:
        """Start it and return when it is ready."""
        self.start()
        await self.until_ready(self.ready_url)


@dataclass(frozen=True, kw_only=True)
class Installation:
    """Migrate and seed it first; `settings` are further ORDERS_ variables."""

    database_url: str
    folder: Path
    fulfillment_url: str
    lease_seconds: float = 15.0
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """Nothing of ours leaks into it but the search path."""
        return {
            "PATH": os.environ["PATH"],
            "ORDERS_DATABASE_URL": self.database_url,
            "ORDERS_DATA_DIR": str(self.folder),
            "ORDERS_PROFILE": "development",
            "ORDERS_HOST": "127.0.0.1",
            "ORDERS_ADMIN_KEY": ADMIN_KEY,
            "ORDERS_FULFILLMENT_URL": self.fulfillment_url,
            "ORDERS_FULFILLMENT_SECRET": SECRET,
            "ORDERS_EGRESS_ALLOW": "127.0.0.0/8",
            "ORDERS_LEASE_SECONDS": f"{self.lease_seconds:g}",
            "ORDERS_LOG_FORMAT": "json",
            **self.settings,
        }

    def playing(self, role: str) -> "Installation":
        """For processes of this role: `all`, `api` or `worker`."""
        return replace(self, settings={**self.settings, "ORDERS_ROLE": role})

    async def prepare(self, catalog: str) -> None:
        """Migrate, and put the products of a catalog (JSON) on the shelf."""
        seed = self.folder / "catalog.json"
        seed.write_text(catalog)
        await self.run("migrate")
        await self.run("seed", "--catalog", str(seed))

    async def run(self, *arguments: str) -> str:
        """Run one command of `orders` to its end and give what it printed."""
        with tempfile.NamedTemporaryFile(dir=self.folder) as printed:
            process = ServiceProcess([str(ORDERS), *arguments], environment=self.environment, log=Path(printed.name))
            process.start()
            code, output = (await process.until_exit()).code, printed.read().decode(errors="replace")
        if code:
            raise CommandFailedError(f"orders {' '.join(arguments)} ended with {code}:\n{output}")
        return output

    def server(self, name: str = "server", *plants: str) -> OrdersServer:
        """One more process of it, not yet started; its log is `<name>.log` in the folder.

        `plants` are what `tests/acceptance/launch.py` changes in it: a fault, a tap, a bug.
        """
        command = [sys.executable, str(LAUNCH), *plants] if plants else [str(ORDERS), "serve"]
        return OrdersServer(command, environment=self.environment, log=self.folder / f"{name}.log")

    def server_of(self, release: Release, name: str = "before") -> OrdersServer:
        """The same of another release."""
        environment = {**self.environment, **release.environment}
        return OrdersServer(release.command("serve"), environment=environment, log=self.folder / f"{name}.log")

    @asynccontextmanager
    async def serving(self, name: str = "server", *plants: str) -> AsyncIterator[OrdersServer]:
        """A process that is ready; what is left of it afterwards is killed."""
        server = self.server(name, *plants)
        async with running(server, server.ready_url):
            yield server
