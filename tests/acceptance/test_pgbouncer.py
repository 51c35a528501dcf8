"""PgBouncer between the processes and PostgreSQL, pooling transactions: nothing relies on a session."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from orders_service import schema
from orders_service.starting import advice
from pipelines import NoSession
from tests.harness.client import OrderRequest
from tests.harness.facts import read_facts
from tests.harness.orders import OrdersServer
from tests.harness.pgbouncer import PGBOUNCER, pgbouncer
from tests.harness.postgres import Postgres, fresh_database
from tests.harness.receiver import Answer, always
from tests.harness.stage import Stage, staged

pytestmark = pytest.mark.skipif(PGBOUNCER is None, reason="pgbouncer is not installed: apt-get install pgbouncer")

ORDERS, CONNECTIONS = 120, 16
_LEFT_BEHIND = "SELECT (SELECT count(*) FROM pg_prepared_statements), current_setting('lock_timeout')"


async def test_orders_survive_the_death_of_the_pooler(postgres: Postgres, tmp_path: Path) -> None:
    """Three processes share backends; in mid-load the pooler is killed, with COMMITs in it, and started again."""
    with fresh_database(postgres) as url:
        async with pgbouncer(url) as pooler, staged(url, tmp_path, stock={"lamp": 1000}) as stage:
            stage.receiver.behaviour = always(Answer(delay_seconds=0.01))
            behind = replace(stage.installation, database_url=pooler.url)
            async with behind.serving("one") as one, behind.serving("other") as other, behind.serving("third"):
                async with asyncio.TaskGroup() as story:
                    story.create_task(_order_until_answered(stage, one, other))
                    await stage.receiver.until_accepted(ORDERS // 4)
                    await pooler.kill()
                    await pooler.start()
                await stage.until_settled()
                with psycopg.connect(pooler.bare_url, autocommit=True, prepare_threshold=None) as anybody:
                    assert anybody.execute(_LEFT_BEHIND).fetchone() == (0, "0")
        assert stage.violations() == []
        assert len(read_facts(url).orders) == ORDERS


@pytest.mark.parametrize("setting", ["", "ignore_startup_parameters = options,extra_float_digits"])
@pytest.mark.parametrize("command", [schema.check, schema.migrate])
async def test_who_does_not_say_that_there_is_a_pooler_is_told(
    postgres: Postgres, command: Callable[[str], None], setting: str
) -> None:
    """Whether it refuses what a connection is told, or drops it silently."""
    with fresh_database(postgres) as url:
        async with pgbouncer(url, setting) as pooler:
            with pytest.raises(NoSession, match=r"\?pgbouncer=true") as told:
                await asyncio.to_thread(command, pooler.bare_url)
    assert advice(told.value) == str(told.value)


async def test_a_migration_is_not_sent_through_a_pooler(postgres: Postgres) -> None:
    with fresh_database(postgres) as url:
        async with pgbouncer(url) as pooler:
            with pytest.raises(NoSession, match="address of PostgreSQL itself"):
                await asyncio.to_thread(schema.migrate, pooler.url)


async def _order_until_answered(stage: Stage, *servers: OrdersServer) -> None:
    async with stage.client(*servers, timeout_seconds=5) as client:
        requests = [OrderRequest((("lamp", 1),)) for _ in range(ORDERS)]
        await client.place_all(requests, connections=CONNECTIONS, until_answered=True)
