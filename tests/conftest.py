"""The databases that tests run on: each test that asks for one runs on SQLite and on PostgreSQL."""

import gc
import signal
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.harness import compiled
from tests.harness.births import nursing
from tests.harness.kept_connections import Shelf, open_shelf
from tests.harness.memory import quickest_folder
from tests.harness.postgres import Postgres, any_postgres, fresh_database

compiled.share()
settings.register_profile("whole suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])  # others work too
settings.load_profile("whole suite")
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell's `make test &`, which what we start would inherit
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def nursery() -> Iterator[None]:
    """Servers of ours are forked, not executed: to import the service takes longer than most of their lives."""
    with nursing():
        yield


@pytest.fixture(scope="session")
def shelf() -> Iterator[Shelf]:
    """Connections to the server below that have been closed, and may be had again."""
    with open_shelf() as shelf:
        yield shelf


@pytest.fixture(scope="session")
def postgres(shelf: Shelf) -> Iterator[Postgres]:
    """One server for the whole session, started when the first test wants it."""
    with any_postgres() as server, shelf.keeping(server.url):
        yield server


@pytest.fixture
def quick_folder() -> Iterator[Path]:
    """For a database in a file."""
    with tempfile.TemporaryDirectory(dir=quickest_folder()) as folder:
        yield Path(folder)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, quick_folder: Path) -> Iterator[str]:
    """An empty database that only this test knows."""
    if request.param == "sqlite":
        yield f"sqlite:///{quick_folder / 'orders.db'}"
    else:
        with fresh_database(request.getfixturevalue("postgres")) as url:
            yield url


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What has been collected stays to the end, so the garbage collector need not walk through it again and again."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()
