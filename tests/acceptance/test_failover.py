"""The primary is lost and its standby promoted: nothing acknowledged is lost, or its loss is noticed."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from tests.harness.client import OrderRequest
from tests.harness.facts import read_dead_pids, read_facts
from tests.harness.orders import OrdersServer
from tests.harness.postgres import OwnPostgres, own_postgres
from tests.harness.receiver import Answer, always
from tests.harness.stage import Stage, staged, until

ORDERS, CONNECTIONS = 80, 8
STOCK = {"lamp": 1000}
FAILED = 70  # the exit code of a process that may write no more

_IS_SYNCHRONOUS = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'"
_HAS_COMMITTED = "SELECT count(*) FROM processes WHERE state = 'live' AND commit_seq > 0"


@pytest.fixture
def primary() -> Iterator[OwnPostgres]:
    with own_postgres() as server:
        yield server


def either(one: OwnPostgres, other: OwnPostgres) -> str:
    """A URL that names both servers."""
    hosts = [str(make_url(server.url).query["host"]) for server in (one, other)]
    return make_url(one.url).update_query_dict({"host": hosts}).render_as_string(hide_password=False)


def _is_one(server: OwnPostgres, question: str) -> bool:
    with psycopg.connect(server.url) as connection:
        return connection.execute(question).fetchone() == (1,)


async def test_what_a_synchronous_standby_takes_over_is_whole(primary: OwnPostgres, tmp_path: Path) -> None:
    async with staged(primary.url, tmp_path, stock=STOCK) as stage:
        stage.receiver.behaviour = always(Answer(delay_seconds=0.02))
        with own_postgres(primary=primary) as standby:
            with psycopg.connect(primary.url, autocommit=True) as connection:
                connection.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
                connection.execute("SELECT pg_reload_conf()")
            await until(lambda: _is_one(primary, _IS_SYNCHRONOUS))
            serving = replace(stage.installation, database_url=either(primary, standby)).serving
            after = replace(stage, installation=replace(stage.installation, database_url=standby.url))
            async with serving("one") as one, serving("other") as other:
                async with asyncio.TaskGroup() as story:
                    story.create_task(_order_until_answered(stage, one, other))
                    await stage.receiver.until_accepted(ORDERS // 4)
                    await asyncio.to_thread(primary.crash)
                    await asyncio.to_thread(standby.promote)
                await after.until_settled()
                assert not read_dead_pids(standby.url) & {one.pid, other.pid}
            assert after.violations() == []
            assert [order.status for order in read_facts(standby.url).orders.values()] == ["completed"] * ORDERS


@pytest.mark.faults
async def test_what_an_asynchronous_standby_has_missed_is_noticed(primary: OwnPostgres, tmp_path: Path) -> None:
    """The process ends, its next incarnation goes on with what there is, and who repeats an order places it again."""
    async with staged(primary.url, tmp_path, stock=STOCK) as stage:
        with own_postgres(primary=primary) as standby:
            behind = replace(stage.installation, database_url=either(primary, standby))
            after = replace(stage, installation=replace(stage.installation, database_url=standby.url))
            async with behind.serving() as server, stage.client(server) as client:
                await until(lambda: _is_one(standby, _HAS_COMMITTED))
                await asyncio.to_thread(standby.stop)
                lost = OrderRequest((("lamp", 1),))
                first = (await client.place(lost)).order["id"]
                await stage.until_settled()
                await asyncio.to_thread(primary.crash)
                await asyncio.to_thread(standby.start)
                await asyncio.to_thread(standby.promote)
                assert (await server.until_exit()).code == FAILED
                assert "the database has lost history" in server.log_end()
                await server.serve()
                again = await client.insist(lost)
                assert again.status == 201
                await after.until_settled()
            assert set(read_facts(standby.url).orders) == {again.order["id"]} != {first}


async def _order_until_answered(stage: Stage, *servers: OrdersServer) -> None:
    async with stage.client(*servers, timeout_seconds=12) as client:
        requests = [OrderRequest((("lamp", 1),)) for _ in range(ORDERS)]
        await client.place_all(requests, connections=CONNECTIONS, until_answered=True)
