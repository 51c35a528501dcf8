"""Where these tests write; what PostgreSQL and SQLite do alike is tested on SQLite, which is there at once."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, delete

from tests.builders.desk import Desk, Note, Shelf, from_outside, make_tables, open_desk
from tests.harness.postgres import Postgres, fresh_database


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A file with tables in it."""
    url = f"sqlite:///{tmp_path / 'notes.db'}"
    make_tables(url)
    return url


@pytest.fixture(scope="module")
def lasting_url(postgres: Postgres) -> Iterator[str]:
    """A database costs more than most of these tests, so those of a module share one."""
    with fresh_database(postgres) as url:
        make_tables(url)
        yield url


@pytest.fixture
def postgres_url(lasting_url: str) -> str:
    """With tables in it that are empty."""
    from_outside(lasting_url, _empty)
    return lasting_url


@pytest.fixture(params=["sqlite", "postgresql"])
def tables_url(request: pytest.FixtureRequest) -> str:
    """A database with empty tables, of each kind."""
    url: str = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")
    return url


@pytest.fixture
async def sqlite_desk(sqlite_url: str) -> AsyncIterator[Desk]:
    async with open_desk(sqlite_url) as desk:
        yield desk


def _empty(connection: Connection) -> None:
    connection.execute(delete(Note))
    connection.execute(delete(Shelf))
