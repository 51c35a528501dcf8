"""Several workers behind one port, under uvicorn's own supervisor: one scrape shows what all of them did."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from prometheus_client.samples import Sample

from orders_service.registries import FOLDER
from tests.harness.client import OrderRequest
from tests.harness.orders import OrdersServer
from tests.harness.postgres import Postgres, fresh_database
from tests.harness.processes import START_SECONDS
from tests.harness.scrape import scrape, value_of
from tests.harness.stage import Stage, staged, until

ORDERS, WORKERS = 40, 2


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    folder = tmp_path / "shared"
    folder.mkdir()
    return folder


@pytest.fixture
def postgres_url(postgres: Postgres) -> Iterator[str]:
    with fresh_database(postgres) as url:
        yield url


@asynccontextmanager
async def started(stage: Stage, **environment: str) -> AsyncIterator[OrdersServer]:
    """Not ready yet; all of its processes are gone afterwards."""
    log = stage.folder / "uvicorn.log"
    server = OrdersServer((), environment={**stage.installation.environment, **environment}, log=log)
    factory = ["--factory", "orders_service.asgi:create", "--workers", str(WORKERS)]
    server.command = [sys.executable, "-m", "uvicorn", *factory, "--port", str(server.port)]
    server.start()
    try:
        yield server
    finally:
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)  # a group of its own: supervisor and workers
        await server.until_exit()


def workers_in(shared: Path) -> set[int]:
    return {int(file.stem.rpartition("_")[2]) for file in shared.glob("counter_*.db")}


async def all_workers(server: OrdersServer) -> list[Sample]:
    """A scrape of when all workers are in the journal."""
    async with asyncio.timeout(START_SECONDS):
        while value_of(samples := await scrape(server.url), "pipeline_processes", state="live") < WORKERS:  # noqa: ASYNC110 - other processes
            await asyncio.sleep(0.1)
    return samples


def placed(samples: list[Sample]) -> float:
    return value_of(samples, "orders_http_requests_total", method="POST", route="/v1/orders", status="201")


async def test_a_scrape_shows_the_sum_of_all_workers_also_of_those_that_died(
    postgres_url: str, tmp_path: Path, shared: Path
) -> None:
    async with (
        staged(postgres_url, tmp_path, stock={"lamp": 1000}, lease_seconds=2) as stage,
        started(stage, **{FOLDER: str(shared)}) as server,
        stage.client(server) as client,
    ):
        await server.until_ready(server.ready_url)
        await all_workers(server)
        await client.place_all([OrderRequest((("lamp", 1),))] * ORDERS, connections=8)
        await stage.until_settled()
        scrapes = [await scrape(server.url) for _ in range(4)]
        assert [placed(each) for each in scrapes] == [ORDERS] * 4
        assert {value_of(each, "orders_build_info") for each in scrapes} == {1}
        assert {value_of(each, "orders_http_requests_in_progress") for each in scrapes} == {1}

        before = workers_in(shared)
        os.kill(min(before), signal.SIGKILL)
        await until(lambda: len(workers_in(shared)) > len(before))
        after = await all_workers(server)
        assert placed(after) == ORDERS
        assert value_of(after, "orders_build_info") == 1

        server.terminate()
        assert (await server.until_exit()).code == 0


async def test_workers_without_a_folder_to_count_in_are_refused(postgres_url: str, tmp_path: Path) -> None:
    async with staged(postgres_url, tmp_path, stock={}) as stage, started(stage) as server:
        await server.until_exit()
        assert "PROMETHEUS_MULTIPROC_DIR=$(mktemp -d)" in server.log_end()


async def test_workers_on_one_sqlite_file_are_refused(tmp_path: Path, shared: Path) -> None:
    database = f"sqlite:///{tmp_path / 'orders.db'}"
    async with staged(database, tmp_path, stock={}) as stage, started(stage, **{FOLDER: str(shared)}) as server:
        await server.until_exit()
        assert "One SQLite file has one process" in server.log_end()
