"""What Prometheus scrapes after a load: every promised name, the truth of the journal, and an answer in any weather."""

import asyncio
from collections import Counter
from pathlib import Path

import psycopg
import pytest
from prometheus_client.samples import Sample

from tests.harness.checker import STEPS
from tests.harness.client import OrderRequest
from tests.harness.orders import OrdersServer
from tests.harness.postgres import Postgres, fresh_database, own_postgres
from tests.harness.processes import START_SECONDS
from tests.harness.receiver import ACCEPT, ERROR, Behaviour
from tests.harness.scrape import scrape, value_of
from tests.harness.stage import staged

NAMES = {
    "pipeline_step_attempts_total": {"pipeline", "step", "outcome"},
    "pipeline_step_duration_seconds_bucket": {"pipeline", "step", "le"},
    "pipeline_step_wait_seconds_bucket": {"pipeline", "step", "le"},
    "pipeline_runs_finished_total": {"pipeline", "outcome"},
    "pipeline_run_duration_seconds_bucket": {"pipeline", "le"},
    "pipeline_commit_batch_size_bucket": {"le"},
    "pipeline_commit_seconds_bucket": {"le"},
    "pipeline_runs": {"pipeline", "state"},
    "pipeline_processes": {"state"},
    "pipeline_processes_reaped_total": set[str](),
    "pipeline_journal_read_timestamp_seconds": set[str](),
    "pipeline_oldest_ready_seconds": {"pipeline"},
    "orders_http_requests_total": {"method", "route", "status"},
    "orders_http_request_duration_seconds_bucket": {"method", "route", "le"},
    "orders_http_requests_in_progress": set[str](),
    "orders_idempotent_replays_total": {"route"},
    "orders_mails_total": {"template", "outcome"},
    "orders_webhook_deliveries_total": {"event", "outcome"},
    "orders_db_pool_connections": {"state"},
    "orders_build_info": {"version", "commit"},
}
FULFILLING = "fulfill-order"
DONE, STUCK = 20, 3
STATES = {"completed": DONE, "waiting": STUCK, "rejected": 1}


@pytest.fixture(scope="module")
def scraped(tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    """After a load: most orders are done, some wait for their warehouse, one was never possible."""
    return asyncio.run(_scraped_after_a_load(tmp_path_factory.mktemp("loaded")))


async def _scraped_after_a_load(folder: Path) -> list[Sample]:
    database = f"sqlite:///{folder / 'orders.db'}"
    async with staged(database, folder, stock={"lamp": 100, "rug": 100, "vase": 0}) as stage:
        stage.receiver.behaviour = _refusing("rug")
        async with stage.installation.serving("server", "pace=1e9") as server, stage.client(server) as client:
            skus = ["lamp"] * DONE + ["rug"] * STUCK + ["vase"]
            await client.place_all([OrderRequest(((sku, 1),)) for sku in skus], connections=4)
            await stage.until_runs(lambda runs: Counter(run.state for run in runs) == STATES)
            await _told(server)
            return await scrape(server.url)


def test_every_promised_name_has_its_labels(scraped: list[Sample]) -> None:
    found = {sample.name: set(sample.labels) for sample in scraped}
    assert {name: found.get(name) for name in NAMES} == NAMES


def test_the_gauges_agree_with_the_journal(scraped: list[Sample]) -> None:
    depths = {sample.labels["state"]: sample.value for sample in scraped if _is_of_orders(sample, "pipeline_runs")}
    assert depths == {**dict.fromkeys(("ready", "running", "undoing", "failed", "quarantined"), 0), "waiting": STUCK}


def test_the_counters_agree_with_the_load(scraped: list[Sample]) -> None:
    orders = DONE + STUCK + 1
    assert value_of(scraped, "orders_http_requests_total", method="POST", route="/v1/orders", status="201") == orders
    for outcome, runs in {"completed": DONE, "rejected": 1, "failed": 0}.items():
        assert value_of(scraped, "pipeline_runs_finished_total", pipeline=FULFILLING, outcome=outcome) == runs
    attempts = {step: value_of(scraped, "pipeline_step_attempts_total", step=step, outcome="success") for step in STEPS}
    assert attempts == dict(zip(STEPS, [orders, orders - 1, orders - 1, DONE], strict=True))
    assert value_of(scraped, "pipeline_step_attempts_total", step=STEPS[-1], outcome="retry") == STUCK
    requested = {"event": "order.fulfillment_requested"}
    assert value_of(scraped, "orders_webhook_deliveries_total", outcome="sent", **requested) == DONE
    assert value_of(scraped, "orders_webhook_deliveries_total", outcome="unavailable", **requested) == STUCK
    assert value_of(scraped, "orders_mails_total", template="order.confirmed", outcome="sent") == DONE + STUCK


async def test_a_scrape_is_answered_while_the_database_is_away(tmp_path: Path) -> None:
    with own_postgres() as postgres, fresh_database(postgres) as url:
        async with staged(url, tmp_path, stock={"lamp": 1}) as stage, stage.installation.serving() as server:
            postgres.crash()
            scraped = await scrape(server.url)
            postgres.start()
    assert value_of(scraped, "pipeline_runs", pipeline=FULFILLING, state="ready") == 0


async def test_a_scrape_is_answered_while_a_table_is_locked(postgres: Postgres, tmp_path: Path) -> None:
    with fresh_database(postgres) as url:
        async with staged(url, tmp_path, stock={"lamp": 1}) as stage, stage.installation.serving() as server:
            with psycopg.connect(url) as altering:
                altering.execute("LOCK TABLE runs IN ACCESS EXCLUSIVE MODE")
                scraped = await scrape(server.url)
    assert value_of(scraped, "pipeline_runs", pipeline=FULFILLING, state="ready") == 0


async def _told(server: OrdersServer) -> None:
    """An event follows its COMMIT, and so may come after what a test has read from the database."""
    async with asyncio.timeout(START_SECONDS):
        while not _has_all(await scrape(server.url)):  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.02)


def _has_all(scraped: list[Sample]) -> bool:
    """The last event of each run, and the gauges: a slow look at the journal is not waited for."""
    ended = [
        value_of(scraped, "pipeline_runs_finished_total", pipeline=FULFILLING, outcome=outcome)
        for outcome in ("completed", "rejected")
    ]
    stuck = value_of(scraped, "pipeline_step_attempts_total", step=STEPS[-1], outcome="retry")
    return (*ended, stuck) == (DONE, 1, STUCK) and value_of(scraped, "pipeline_journal_read_timestamp_seconds") > 0


def _is_of_orders(sample: Sample, name: str) -> bool:
    return sample.name == name and sample.labels["pipeline"] == FULFILLING


def _refusing(sku: str) -> Behaviour:
    return lambda delivery: ERROR if delivery.event["data"]["items"][0]["sku"] == sku else ACCEPT
