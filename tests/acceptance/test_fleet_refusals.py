"""A Celery worker that could not keep the promise does not start: it says why in a sentence, and ends with a code."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.harness.fleet import celery_worker
from tests.harness.orders import Installation
from tests.harness.postgres import Postgres, fresh_database

NOBODY_LISTENS = "redis://127.0.0.1:1/0"


@pytest.fixture
async def installation(postgres: Postgres, tmp_path: Path) -> AsyncIterator[Installation]:
    """Its database has no tables yet."""
    with fresh_database(postgres) as url:
        yield Installation(
            database_url=url,
            folder=tmp_path,
            fulfillment_url="http://127.0.0.1:1/",
            settings={"ORDERS_CELERY_BROKER_URL": NOBODY_LISTENS},
        )


@pytest.mark.parametrize(
    ("options", "settings", "sentence"),
    [
        ((), {}, "orders migrate"),
        (("--pool", "prefork"), {}, "threads"),
        pytest.param(("-B",), {}, "celery beat", marks=pytest.mark.faults),
        pytest.param(("--autoscale", "20,2"), {}, "--concurrency", marks=pytest.mark.faults),
        ((), {"ORDERS_DATABASE_URL": "sqlite:///orders.db"}, "needs PostgreSQL"),
    ],
    ids=["no schema", "prefork", "beat", "autoscale", "SQLite"],
)
async def test_a_worker_says_why_it_does_not_start(
    installation: Installation, options: Sequence[str], settings: Mapping[str, str], sentence: str
) -> None:
    changed = replace(installation, settings={**installation.settings, **settings})
    worker = celery_worker(changed, "worker", options=options)
    worker.start()
    try:
        assert (await worker.until_exit()).code != 0
    finally:
        await worker.kill()
    assert sentence in worker.log_end()
    assert "Traceback" not in worker.log_end(lines=1000)
