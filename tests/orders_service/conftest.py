"""What the tests of the service share."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import structlog

from tests.builders.shop import Shop, open_shop


@pytest.fixture(autouse=True)
def plain_logs() -> Iterator[None]:
    """By default structlog shows the variables of every frame of an exception, which takes it seconds."""
    renderer = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[structlog.contextvars.merge_contextvars, renderer])
    yield
    structlog.reset_defaults()


@pytest.fixture
async def shop(database_url: str, tmp_path: Path) -> AsyncIterator[Shop]:
    """The service, open for business, on each database."""
    async with open_shop(database_url, tmp_path) as shop:
        yield shop


@pytest.fixture
async def corner_shop(tmp_path: Path) -> AsyncIterator[Shop]:
    """The service on SQLite alone, for what no database decides."""
    async with open_shop(f"sqlite:///{tmp_path / 'orders.db'}", tmp_path) as shop:
        yield shop
