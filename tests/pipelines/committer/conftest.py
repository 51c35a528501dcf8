"""Where these tests write; what PostgreSQL and SQLite do alike is tested on SQLite, which is there at once."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.builders.desk import Desk, make_tables, open_desk


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A file with tables in it."""
    url = f"sqlite:///{tmp_path / 'notes.db'}"
    make_tables(url)
    return url


@pytest.fixture
async def sqlite_desk(sqlite_url: str) -> AsyncIterator[Desk]:
    async with open_desk(sqlite_url) as desk:
        yield desk
