"""What the tests of the library share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builders.world import with_effects
from tests.harness.kept_connections import Shelf
from tests.harness.postgres import Postgres
from tests.harness.recycling import Recycled


@pytest.fixture(scope="session")
def recycled(postgres: Postgres, shelf: Shelf) -> Iterator[Recycled]:
    databases = Recycled(postgres, shelf, with_effects)
    yield databases
    databases.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, quick_folder: Path) -> Iterator[str]:
    """A database that only this test knows; on PostgreSQL it has all tables, on SQLite they are quickly made."""
    if request.param == "sqlite":
        yield f"sqlite:///{quick_folder / 'orders.db'}"
    else:
        recycled: Recycled = request.getfixturevalue("recycled")
        with recycled.lent() as url:
            yield url
