"""What the benchmark measures: ours and the textbook service, each as a process that is ready for orders."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks import catalog
from tests.harness.orders import Installation
from tests.harness.processes import ServiceProcess, free_port, running

_ROOT = Path(__file__).parents[2]
_REQUIREMENTS = Path(__file__).with_name("textbook-requirements.txt")
_PACKAGES = _ROOT / "var" / "textbook-packages"


@dataclass(frozen=True)
class Site:
    """Where a subject runs: an empty database, an empty folder, and the warehouse that takes its webhooks."""

    database_url: str
    folder: Path
    warehouse_url: str


@dataclass(frozen=True)
class Running:
    process: ServiceProcess
    port: int


Subject = Callable[[Site], AbstractAsyncContextManager[Running]]


@asynccontextmanager
async def ours(site: Site) -> AsyncIterator[Running]:
    installation = Installation(database_url=site.database_url, folder=site.folder, fulfillment_url=site.warehouse_url)
    await installation.prepare(catalog.seed())
    async with installation.serving() as server:
        yield Running(server, server.port)


@asynccontextmanager
async def textbook(site: Site) -> AsyncIterator[Running]:
    await _install_drivers()
    port = free_port()
    seed, mailbox = site.folder / "catalog.json", site.folder / "mailbox"
    seed.write_text(catalog.seed())
    mailbox.mkdir()
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"{_ROOT}{os.pathsep}{_PACKAGES}",
        "TEXTBOOK_DATABASE_URL": site.database_url,
        "TEXTBOOK_CATALOG": str(seed),
        "TEXTBOOK_MAILBOX": str(mailbox),
        "TEXTBOOK_WAREHOUSE_URL": site.warehouse_url,
        "TEXTBOOK_PORT": str(port),
    }
    command = [sys.executable, "-m", "tests.benchmarks.textbook"]
    process = ServiceProcess(command, environment=environment, log=site.folder / "textbook.log")
    async with running(process, f"http://127.0.0.1:{port}/readyz"):
        yield Running(process, port)


async def _install_drivers() -> None:
    """Beside our environment and not into it: nothing of ours needs them."""
    stamp, wanted = _PACKAGES / "installed.txt", _REQUIREMENTS.read_text()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    command = ["-m", "pip", "install", "--quiet", "--no-deps", "--upgrade", "--target", str(_PACKAGES)]
    process = await asyncio.create_subprocess_exec(sys.executable, *command, "-r", str(_REQUIREMENTS))
    if await process.wait():
        raise SystemExit("the drivers of the textbook service could not be installed")
    stamp.write_text(wanted)
