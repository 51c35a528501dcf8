"""A server ends in the middle of its work, its journal moves to PostgreSQL, and another one finishes it there."""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from orders_service import moving
from tests.harness.client import Heard, OrderRequest
from tests.harness.facts import StoredRun, read_facts, read_order_runs, read_runs
from tests.harness.orders import ADMIN_KEY, OrdersServer
from tests.harness.postgres import Postgres, fresh_database
from tests.harness.receiver import ACCEPT, ERROR, Answer, Delivery, always
from tests.harness.stage import Stage, staged

MOVER = Path(__file__).with_name("mover.py")
DEATHS = ("closed", "copied:runs", "compared", "committed")
STOCK = {"lamp": 100, "held": 100, "late": 100, "wrong": 100, "rare": 1}
ORDERED = ["lamp"] * 4 + ["held"] * 4 + ["late"] * 3 + ["wrong"] * 2 + ["rare"] * 2
ORDERS = [OrderRequest(((sku, 1),)) for sku in ORDERED]
IN_FLIGHT = {"completed": 5, "running": 4, "waiting": 3, "failed": 2, "rejected": 1}
PERSON = {"email": "ada@example.com", "name": "Ada", "password": "correct horse battery staple"}


@dataclass
class Before:
    """What the first server was asked, and what it answered."""

    heard: list[Heard]
    token: str
    key: str


async def test_after_a_kill_the_work_goes_on_however_often_the_move_dies(postgres: Postgres, tmp_path: Path) -> None:
    with fresh_database(postgres) as target:
        async with staged_here(tmp_path) as stage:
            async with in_the_middle(stage) as (server, before):
                await server.kill()
            await die_at_each(stage, target)
            await asyncio.to_thread(moving.move, stage.database_url, target, tell=lambda _: None)
            assert not any(run.owner for run in read_runs(target))
            await finish(replace(stage, installation=replace(stage.installation, database_url=target)), before)


@pytest.mark.faults
async def test_after_a_clean_end_nothing_is_taken_for_a_crash(postgres: Postgres, tmp_path: Path) -> None:
    with fresh_database(postgres) as target:
        async with staged_here(tmp_path) as stage:
            async with in_the_middle(stage) as (server, before):
                server.terminate()
                server.terminate()  # does not wait for the warehouse
                await server.until_exit()
            told = await moved(stage, target)
            assert (told["moved"], told["freed"], told["rows"]["orders"]) == (True, 0, len(ORDERS))
            assert {run.crashes for run in read_runs(target)} == {0}
            await finish(replace(stage, installation=replace(stage.installation, database_url=target)), before)


def staged_here(folder: Path) -> AbstractAsyncContextManager[Stage]:
    """Nobody gives up a request that the warehouse holds."""
    return staged(f"sqlite:///{folder / 'orders.db'}", folder, stock=STOCK, fulfillment_timeout_seconds=300)


@asynccontextmanager
async def in_the_middle(stage: Stage) -> AsyncIterator[tuple[OrdersServer, Before]]:
    """Orders in every state there is: a warehouse holds some requests, is not ready for others, and refuses two."""
    gate = asyncio.Event()
    stage.receiver.behaviour = lambda delivery: _answer(delivery, gate)
    async with stage.installation.serving() as server, stage.client(server) as client:
        heard = [await client.place(order) for order in ORDERS]
        before = Before(heard, *await _credentials(server))
        await stage.until_runs(lambda runs: _states(runs) == IN_FLIGHT)
        yield server, before
    gate.set()


async def finish(stage: Stage, before: Before) -> None:
    """A server on PostgreSQL brings all to its end; what clients have from the first one is good there."""
    stage.receiver.behaviour = always(ACCEPT)
    async with stage.installation.serving("moved") as server, stage.client(server) as client:
        again = [await client.insist(order) for order in ORDERS]
        assert [heard.body for heard in again] == [heard.body for heard in before.heard]
        assert (await _ask(server, "GET", "/v1/users/me", before.token))["email"] == PERSON["email"]
        assert (await _ask(server, "GET", "/v1/orders", before.key))["items"] == []
        await stage.until_settled()
        assert stage.violations(excused=_failed(stage)) == []
        assert _states(read_order_runs(stage.database_url)) == {"completed": 12, "failed": 2, "rejected": 1}
        for run in read_order_runs(stage.database_url):
            if run.state == "failed":
                await _ask(server, "POST", f"/v1/runs/{run.id}/retry", ADMIN_KEY)
        await stage.until_runs(lambda runs: _states(runs) == {"completed": 14, "rejected": 1})


async def moved(stage: Stage, target: str) -> Any:
    return json.loads(await stage.installation.run("journal", "move", stage.database_url, target, "--json"))


async def die_at_each(stage: Stage, target: str) -> None:
    command = sys.executable, str(MOVER), stage.database_url, target, *DEATHS
    mover = await asyncio.create_subprocess_exec(*command, env=stage.installation.environment)
    assert await mover.wait() == 0


def _answer(delivery: Delivery, gate: asyncio.Event) -> Answer:
    match delivery.event["data"].get("items", [{}])[0].get("sku"):
        case "held":
            return Answer(kept_until=gate)
        case "late":
            return replace(ERROR, status=503, headers={"Retry-After": "3"})
        case "wrong":
            return replace(ERROR, status=400)
        case _:
            return ACCEPT


def _failed(stage: Stage) -> list[str]:
    return [order.id for order in read_facts(stage.database_url).orders.values() if order.status == "failed"]


def _states(runs: Sequence[StoredRun]) -> Counter[str]:
    return Counter(run.state for run in runs)


async def _credentials(server: OrdersServer) -> tuple[str, str]:
    await _ask(server, "POST", "/v1/signup", None, PERSON)
    session = await _ask(server, "POST", "/v1/login", None, {name: PERSON[name] for name in ("email", "password")})
    issued = await _ask(server, "POST", "/v1/api-keys", ADMIN_KEY, {"principal": "shop"})
    return session["access_token"], issued["key"]


async def _ask(server: OrdersServer, verb: str, path: str, credential: str | None, body: Any = None) -> Any:
    headers = {"Authorization": f"Bearer {credential}"} if credential else {}
    async with (
        aiohttp.ClientSession(headers=headers) as http,
        http.request(verb, f"{server.url}{path}", json=body) as answer,
    ):
        assert answer.ok, await answer.text()
        return await answer.json()
