"""The fleet of the library's README, as it stands there: one Celery worker waits for 200 answers, on one event loop."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import pytest
from aiohttp import web
from celery.app.control import Control

from pipelines.carriers.celery import celery_app
from tests.harness.postgres import Postgres, fresh_database
from tests.harness.processes import START_SECONDS, ServiceProcess, free_port, running
from tests.harness.published import README, published_code, server_of
from tests.harness.redis_server import RedisServer, own_redis
from tests.harness.stage import until

AT_ONCE = 200
HERE = '"sqlite:///guestbook.db", [thank], create_tables=True'
THERE = 'os.environ["DATABASE_URL"], [thank], create_tables=True, slots=0, carrier=CeleryCarrier(fleet)'
IMPORTED = "from pipelines.fastapi import"
FLEET = """
from pipelines.carriers.celery import CeleryCarrier, celery_app
fleet = celery_app("guestbook", os.environ["BROKER_URL"])
"""


class Patient:
    """Answers nobody before so many have asked and wait."""

    def __init__(self) -> None:
        self.url = ""
        self.waiting = 0
        self._all_here = asyncio.Event()

    async def receive(self, _: web.Request) -> web.Response:
        self.waiting += 1
        if self.waiting == AT_ONCE:
            self._all_here.set()
        try:
            await self._all_here.wait()
        finally:
            self.waiting -= 1
        return web.Response()


@asynccontextmanager
async def patience() -> AsyncIterator[Patient]:
    patient, app = Patient(), web.Application()
    app.router.add_post("/", patient.receive)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    patient.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    try:
        yield patient
    finally:
        await runner.cleanup()


@pytest.fixture
def database(postgres: Postgres) -> Iterator[str]:
    with fresh_database(postgres) as url:
        yield url


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    with own_redis() as redis:
        yield redis


def celery_worker(folder: Path, environment: dict[str, str]) -> ServiceProcess:
    return ServiceProcess(
        [str(Path(sys.executable).with_name("celery")), "-A", "fleet", "worker", "--loglevel", "INFO"],
        environment=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)} | environment,
        log=folder / "fleet.log",
        folder=folder,
    )


async def signed(http: aiohttp.ClientSession, url: str) -> UUID:
    async with http.post(f"{url}/guests", json={"name": "Ada"}) as answer:
        return UUID((await answer.json())["run"])


async def state_of(http: aiohttp.ClientSession, url: str, run_id: UUID) -> str:
    async with http.get(f"{url}/runs/{run_id}", params={"wait": 20}) as answer:
        return str((await answer.json())["state"])


async def stats_after_all_messages(control: Control) -> Any:
    """Some come after what they are about, and a busy worker may be late with its answer."""
    async with asyncio.timeout(START_SECONDS):
        while True:
            answers = await asyncio.to_thread(control.inspect(timeout=5.0).stats)
            for stats in (answers or {}).values():
                if stats["total"] == {"pipelines.wake": AT_ONCE}:
                    return stats


async def test_one_worker_waits_for_many_answers_at_once(database: str, redis: RedisServer, tmp_path: Path) -> None:
    guestbook, port = tmp_path / "guestbook.py", free_port()
    code = published_code(README, "class Guest").replace(HERE, THERE)
    guestbook.write_text(code.replace(IMPORTED, f"{FLEET}{IMPORTED}", 1))
    (tmp_path / "fleet.py").write_text(published_code(README, "celery -A fleet worker"))
    url = f"http://127.0.0.1:{port}"
    async with patience() as outside, AsyncExitStack() as stack:
        environment = {"DATABASE_URL": database, "BROKER_URL": redis.url, "THANKS_URL": outside.url}
        server = server_of(guestbook, port, **environment)
        await stack.enter_async_context(running(server, f"{url}/openapi.json"))
        worker = celery_worker(tmp_path, environment)
        worker.start()
        stack.push_async_callback(worker.kill)
        control = celery_app("test", redis.url).control
        await until(lambda: bool(control.ping(timeout=1.0)))
        http = await stack.enter_async_context(aiohttp.ClientSession(raise_for_status=True))
        runs = await asyncio.gather(*(signed(http, url) for _ in range(AT_ONCE)))
        assert {await state_of(http, url, run_id) for run_id in runs} == {"completed"}
        stats = await stats_after_all_messages(control)
        assert stats["pool"]["threads"] <= stats["pool"]["max-concurrency"] < AT_ONCE
        worker.terminate()
        assert (await worker.until_exit()).code == 0
