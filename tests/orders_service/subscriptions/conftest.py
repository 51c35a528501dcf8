"""What the tests of subscriptions share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.builders.subscriptions import Newsroom, open_newsroom


@pytest.fixture
async def newsroom(migrated_url: str, tmp_path: Path) -> AsyncIterator[Newsroom]:
    """Events on their way to a real receiver, on each database."""
    async with open_newsroom(migrated_url, tmp_path) as newsroom:
        yield newsroom


@pytest.fixture
async def corner_newsroom(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Newsroom]:
    """The same on SQLite alone, for what no database decides."""
    async with open_newsroom(sqlite_url, tmp_path) as newsroom:
        yield newsroom
