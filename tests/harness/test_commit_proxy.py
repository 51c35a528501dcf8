"""The proxy that loses and keeps the answers of COMMITs."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import psycopg
import pytest

from tests.harness.commit_proxy import CommitProxy, Cut, commit_proxy
from tests.harness.postgres import Postgres, fresh_database


@pytest.fixture
def direct_url(postgres: Postgres) -> Iterator[str]:
    with fresh_database(postgres) as url, psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE notes (id int)")
        yield url


@pytest.fixture
async def proxy(direct_url: str) -> AsyncIterator[CommitProxy]:
    async with commit_proxy(direct_url) as running:
        yield running


def connect(url: str) -> psycopg.Connection:
    return psycopg.connect(url)


def write_one(url: str) -> None:
    """Insert and COMMIT."""
    with psycopg.connect(url) as connection:
        connection.execute("INSERT INTO notes VALUES (1)")
        connection.execute("COMMIT")


def stored(url: str) -> int:
    with psycopg.connect(url) as connection:
        return len(connection.execute("SELECT id FROM notes").fetchall())


async def test_everything_passes_until_it_is_told_otherwise(proxy: CommitProxy, direct_url: str) -> None:
    await asyncio.to_thread(write_one, proxy.url)
    assert stored(direct_url) == 1
    assert not proxy.has_cut.is_set()


@pytest.mark.parametrize(("cut", "rows"), [(Cut.BEFORE, 0), (Cut.AFTER, 1)])
async def test_a_commit_is_lost_on_the_way_there_or_back(
    proxy: CommitProxy, direct_url: str, cut: Cut, rows: int
) -> None:
    proxy.cut_next_commit(cut)
    with pytest.raises(psycopg.OperationalError):
        await asyncio.to_thread(write_one, proxy.url)
    assert stored(direct_url) == rows
    await asyncio.to_thread(write_one, proxy.url)


async def test_a_withheld_answer_comes_when_it_is_let_go(proxy: CommitProxy, direct_url: str) -> None:
    proxy.cut_next_commit(Cut.WITHHELD)
    writing = asyncio.create_task(asyncio.to_thread(write_one, proxy.url))
    await proxy.has_cut.wait()
    assert stored(direct_url) == 1
    assert not writing.done()
    proxy.let_go.set()
    await writing


async def test_a_database_that_is_away_breaks_every_connection(proxy: CommitProxy) -> None:
    connection = await asyncio.to_thread(connect, proxy.url)
    proxy.go_away()
    with pytest.raises(psycopg.OperationalError):
        await asyncio.to_thread(connection.execute, "SELECT 1")
    with pytest.raises(psycopg.OperationalError):
        await asyncio.to_thread(connect, proxy.url)
    proxy.come_back()
    await asyncio.to_thread(write_one, proxy.url)
