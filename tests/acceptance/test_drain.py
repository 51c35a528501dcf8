"""SIGTERM: what was acknowledged is finished or handed over, no attempt is burned, and the process ends well."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from tests.harness.client import Heard, OrderRequest
from tests.harness.facts import read_facts, read_order_runs
from tests.harness.orders import OrdersServer
from tests.harness.postgres import Postgres, fresh_database
from tests.harness.receiver import Answer, always
from tests.harness.stage import Stage, staged

STOCK = {"lamp": 1000}
ORDERS = 600
LONGER_THAN_ANY_TEST = 600  # a lease: whoever takes a run over does not take it from the dead

# Two runs at a time and a slow warehouse: there is always a backlog, and a webhook under way.
SLOW = {"worker_slots": 2, "lease_seconds": LONGER_THAN_ANY_TEST}


async def test_a_restart_finishes_what_a_drained_process_left(tmp_path: Path) -> None:
    async with staged(_sqlite(tmp_path), tmp_path, stock=STOCK, **SLOW) as stage:
        stage.receiver.behaviour = always(Answer(delay_seconds=0.01))
        async with stage.installation.serving() as server:
            heard = await _terminated_under_load(stage, server)
            left = [run for run in read_order_runs(stage.database_url) if run.state == "ready"]
            assert left
            await server.serve()
            await stage.until_settled()
    _judge(stage, heard)


async def test_another_process_takes_over_at_once(postgres: Postgres, tmp_path: Path) -> None:
    with fresh_database(postgres) as url:
        async with staged(url, tmp_path, stock=STOCK, **SLOW) as stage:
            stage.receiver.behaviour = always(Answer(delay_seconds=0.01))
            async with stage.installation.serving("leaving") as leaving, stage.installation.serving("staying"):
                heard = await _terminated_under_load(stage, leaving)
                await stage.until_settled()
        _judge(stage, heard)


async def test_a_webhook_under_way_is_finished(tmp_path: Path) -> None:
    async with _terminated_during_a_webhook(tmp_path) as (stage, server, answer):
        answer.set()
        assert (await server.until_exit()).code == 0
    assert [run.state for run in read_order_runs(stage.database_url)] == ["completed"]
    assert stage.violations() == []


async def test_a_second_signal_breaks_it_off_and_frees_the_run(tmp_path: Path) -> None:
    async with _terminated_during_a_webhook(tmp_path) as (stage, server, _):
        server.terminate()
        assert (await server.until_exit()).code == 0
        [run] = read_order_runs(stage.database_url)
        assert (run.state, run.owner, run.crashes) == ("ready", None, 0)
        stage.receiver.behaviour = always(Answer())
        await server.serve()
        await stage.until_settled()
    assert [request.number for request in stage.receiver.deliveries] == [1, 2]  # of one webhook-id
    assert _burned(stage) == []
    assert stage.violations() == []


async def _terminated_under_load(stage: Stage, server: OrdersServer) -> list[Heard]:
    """The client tries each order once, whatever it hears."""
    async with stage.client(server) as client, asyncio.TaskGroup() as story:
        requests = [OrderRequest((("lamp", 1),)) for _ in range(ORDERS)]
        placing = story.create_task(client.place_all(requests, connections=16))
        await stage.receiver.until_accepted(5)
        server.terminate()
        assert (await server.until_exit()).code == 0
    return placing.result()


@asynccontextmanager
async def _terminated_during_a_webhook(folder: Path) -> AsyncIterator[tuple[Stage, OrdersServer, asyncio.Event]]:
    """The warehouse answers when the event is set; the process takes no more requests."""
    answer = asyncio.Event()
    async with staged(_sqlite(folder), folder, stock=STOCK) as stage, stage.installation.serving() as server:
        stage.receiver.behaviour = always(Answer(kept_until=answer))
        async with stage.client(server) as client:
            await client.place(OrderRequest((("lamp", 1),)))
        await stage.receiver.until(lambda receiver: bool(receiver.deliveries))
        server.terminate()
        await _until_refused(server)
        yield stage, server, answer
        answer.set()


async def _until_refused(server: OrdersServer) -> None:
    async with aiohttp.ClientSession() as http, asyncio.timeout(60):
        while True:
            try:
                async with http.get(server.ready_url):
                    await asyncio.sleep(0.02)
            except aiohttp.ClientConnectorError:
                return


def _judge(stage: Stage, heard: list[Heard]) -> None:
    assert {each.status for each in heard} <= {201, 503, None}  # None: no connection, so nobody was told anything
    assert {each.status for each in heard} >= {201, None}
    assert {run.crashes for run in read_order_runs(stage.database_url)} == {0}
    assert _burned(stage) == []
    assert stage.violations() == []


def _burned(stage: Stage) -> list[object]:
    """The attempts that were not the first one, or no success."""
    attempts = read_facts(stage.database_url).attempts.values()
    return [each for tried in attempts for each in tried if (each.number, each.outcome) != (1, "success")]


def _sqlite(folder: Path) -> str:
    return f"sqlite:///{folder / 'orders.db'}"
