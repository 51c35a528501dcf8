"""What the stories of the console share: a service, its warehouse, and a window."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from tests.harness import browser as browsers
from tests.harness.browser import Console
from tests.harness.orders import OrdersServer
from tests.harness.stage import Stage, staged

expect.set_options(timeout=browsers.PATIENCE_MS)
STOCK = {"lamp": 1000, "rug": 1000, "chair": 1000, "vase": 0}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All on one event loop, which is that of the one browser; or none."""
    ours = [item for item in items if item.path.is_relative_to(Path(__file__).parent)]
    for item in ours:
        item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)
        if browsers.EXECUTABLE is None:
            item.add_marker(pytest.mark.skip(reason=browsers.MISSING))


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """It takes longer to start than most stories."""
    async with browsers.browser() as chromium:
        yield chromium


@pytest_asyncio.fixture(loop_scope="session")
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with staged(f"sqlite:///{tmp_path / 'orders.db'}", tmp_path, stock=STOCK) as stage:
        yield stage


@pytest_asyncio.fixture(loop_scope="session")
async def server(stage: Stage) -> AsyncIterator[OrdersServer]:
    async with stage.installation.serving() as server:
        yield server


@pytest_asyncio.fixture(loop_scope="session")
async def console(chromium: Browser, server: OrdersServer) -> AsyncIterator[Console]:
    """Signed in as the admin. Whatever a page has to complain of fails the test."""
    async with browsers.window(chromium, server) as console:
        await console.sign_in()
        yield console
        assert console.complaints == []
