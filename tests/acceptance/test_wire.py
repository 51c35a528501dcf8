"""The order of things on the wire: first the COMMIT, then the answer; and without the one never the other."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import aiohttp
import psycopg
import pytest

from tests.harness.client import Heard, OrderRequest
from tests.harness.commit_proxy import CommitProxy, Cut, commit_proxy
from tests.harness.facts import read_facts, read_runs
from tests.harness.ledger import entries, events
from tests.harness.orders import OrdersServer
from tests.harness.postgres import Postgres, fresh_database
from tests.harness.stage import Stage, staged, until

STOCK = {"lamp": 1000}
ORDERS = 50
LONG = 60.0  # a lease that is not renewed while the test looks: the only COMMIT is that of an order


async def test_nothing_is_answered_while_postgresql_commits(postgres: Postgres, tmp_path: Path) -> None:
    with fresh_database(postgres) as url:
        async with (
            _served_through_a_proxy(url, tmp_path) as (proxy, stage, server),
            asyncio.TaskGroup() as story,
        ):
            proxy.cut_next_commit(Cut.WITHHELD)
            placing = story.create_task(_place_all(stage, server))
            await proxy.has_cut.wait()
            assert read_runs(url)  # past the proxy: it was the COMMIT of an order
            await _answer_something_else(server)
            assert events(entries(tmp_path / "client"), "ok", "fail", "info") == []
            proxy.let_go.set()
        assert [heard.status for heard in placing.result()] == [201] * ORDERS


async def test_each_order_is_on_disk_before_its_answer_is_sent(database_url: str, tmp_path: Path) -> None:
    async with staged(database_url, tmp_path, stock=STOCK) as stage:
        sent = await _tapped(stage)
    assert len(sent) == ORDERS
    assert all(answer["is_stored"] for answer in sent)


async def test_an_answer_before_its_commit_is_noticed(tmp_path: Path) -> None:
    async with staged(f"sqlite:///{tmp_path / 'orders.db'}", tmp_path, stock=STOCK) as stage:
        sent = await _tapped(stage, "acknowledges_before_commit")
    assert not all(answer["is_stored"] for answer in sent)


@pytest.mark.parametrize("cut", [Cut.BEFORE, Cut.AFTER, pytest.param(Cut.WITHHELD, marks=pytest.mark.faults)])
async def test_a_lost_connection_loses_no_order(postgres: Postgres, tmp_path: Path, cut: Cut) -> None:
    """Whether the COMMIT has happened is found out under the client, and it is sent again if it has not."""
    with fresh_database(postgres) as url:
        async with _served_through_a_proxy(url, tmp_path) as (proxy, stage, server):
            proxy.cut_next_commit(cut)
            heard = await _place_all(stage, server)
            await stage.until_settled()
        assert proxy.has_cut.is_set()
        assert [each.status for each in heard] == [201] * ORDERS
        assert len(read_facts(url).orders) == ORDERS
        assert stage.violations() == []


async def test_a_commit_that_fails_is_answered_503_and_leaves_nothing(tmp_path: Path) -> None:
    async with staged(f"sqlite:///{tmp_path / 'orders.db'}", tmp_path, stock=STOCK) as stage:
        async with stage.installation.serving("server", "disk_is_full=2") as server:
            heard = await _place_all(stage, server, connections=ORDERS // 5)  # all at once may share the first COMMIT
            await stage.until_settled()
        assert {each.status for each in heard} == {201, 503}
        assert {each.order["code"] for each in heard if each.status == 503} == {"storage-full"}
        assert len(read_facts(stage.database_url).orders) == [each.status for each in heard].count(201)
        assert stage.violations() == []


@asynccontextmanager
async def _served_through_a_proxy(url: str, folder: Path) -> AsyncIterator[tuple[CommitProxy, Stage, OrdersServer]]:
    async with staged(url, folder, stock=STOCK, lease_seconds=LONG) as stage, commit_proxy(url) as proxy:
        behind = replace(stage.installation, database_url=proxy.url)
        async with behind.serving("server", "undisturbed") as server:
            await until(lambda: _has_looked_for_work(url))
            yield proxy, stage, server


def _has_looked_for_work(url: str) -> bool:
    """The first COMMIT of a process is that of its first claim; the next ones are those of orders."""
    with psycopg.connect(url) as database:
        return (
            database.execute("SELECT commit_seq FROM processes WHERE commit_seq > 0 AND state = 'live'").fetchone()
            is not None
        )


async def _place_all(stage: Stage, server: OrdersServer, *, connections: int = ORDERS) -> list[Heard]:
    async with stage.client(server) as client:
        return await client.place_all([OrderRequest((("lamp", 1),)) for _ in range(ORDERS)], connections=connections)


async def _tapped(stage: Stage, *plants: str) -> list[dict[str, bool]]:
    """What the database knew of each order just before the first byte of its answer was sent."""
    sent = stage.folder / "sent"
    async with stage.installation.serving("server", f"tap={sent}", *plants) as server:
        await _place_all(stage, server)
    return [json.loads(line) for line in sent.read_text().splitlines()]


async def _answer_something_else(server: OrdersServer) -> None:
    """It is awake, and would have answered the orders too."""
    async with aiohttp.ClientSession() as http, http.get(f"{server.url}/livez") as answer:
        assert answer.status == 200
