"""Nobody answers and nobody hangs up, or nobody lets us in: the database is there, and out of reach."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import aiohttp
import psycopg
import pytest

from tests.harness.client import OrderRequest
from tests.harness.commit_proxy import commit_proxy
from tests.harness.facts import read_dead_pids, read_facts
from tests.harness.orders import ADMIN_KEY, CommandFailedError, OrdersServer
from tests.harness.postgres import NO_FSYNC, Postgres, fresh_database, own_postgres
from tests.harness.receiver import Answer, always
from tests.harness.stage import Stage, staged

pytestmark = pytest.mark.faults

ORDERS, CONNECTIONS = 120, 12
STOCK = {"lamp": 1000}
SIX = {"max_connections": "6", "superuser_reserved_connections": "0", "max_wal_senders": "0"}


async def test_connections_that_have_gone_silent_are_given_up_and_nobody_is_thought_dead(
    postgres: Postgres, tmp_path: Path
) -> None:
    with fresh_database(postgres) as url:
        async with commit_proxy(url) as proxy, staged(url, tmp_path, stock=STOCK) as stage:
            stage.receiver.behaviour = always(Answer(delay_seconds=0.02))
            serving = replace(stage.installation, database_url=proxy.url).serving
            async with serving("one") as one, serving("other") as other:
                async with asyncio.TaskGroup() as story:
                    story.create_task(_order_until_answered(stage, one, other))
                    await stage.receiver.until_accepted(ORDERS // 4)
                    proxy.freeze()
                    frozen_at, so_far = time.monotonic(), len(stage.receiver.accepted)
                    await stage.receiver.until_accepted(so_far + CONNECTIONS)
                    print(f"stalled for {time.monotonic() - frozen_at:.1f} s")  # noqa: T201 - the figure to report
                await stage.until_settled()
                assert not read_dead_pids(url) & {one.pid, other.pid}
        assert stage.violations() == []
        assert len(read_facts(url).orders) == ORDERS


async def test_orders_are_accepted_when_no_more_connections_can_be_had(tmp_path: Path) -> None:
    with own_postgres({**NO_FSYNC, **SIX}) as database:
        async with (
            staged(database.url, tmp_path, stock=STOCK, lease_seconds=2) as stage,
            stage.installation.serving() as server,
        ):
            with _all_others_taken(database.url):
                answers = await asyncio.gather(*(_listed(server) for _ in range(20)))
                await _order_until_answered(stage, server)
                with pytest.raises(CommandFailedError, match=r"ended with 2:\nThe database cannot be used: .*too many"):
                    await stage.installation.run("check")
            assert set(answers) <= {200, 503}
            await stage.until_settled()
            assert server.pid not in read_dead_pids(database.url)
        assert stage.violations() == []


@contextmanager
def _all_others_taken(url: str) -> Iterator[None]:
    """Every connection that the server still gives."""
    with ExitStack() as held:
        try:
            while True:
                held.enter_context(psycopg.connect(url))
        except psycopg.OperationalError:
            yield


async def _listed(server: OrdersServer) -> int:
    headers = {"Authorization": f"Bearer {ADMIN_KEY}"}
    async with aiohttp.ClientSession(headers=headers) as http, http.get(f"{server.url}/v1/orders") as answer:
        return answer.status


async def _order_until_answered(stage: Stage, *servers: OrdersServer) -> None:
    async with stage.client(*servers, timeout_seconds=12) as client:
        requests = [OrderRequest((("lamp", 1),)) for _ in range(ORDERS)]
        await client.place_all(requests, connections=CONNECTIONS, until_answered=True)
