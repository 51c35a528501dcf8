"""The heart of it on a RabbitMQ: messages alone bring orders to both workers, and doubled ones change nothing."""

from pathlib import Path

import pytest

from tests.harness.facts import read_runs
from tests.harness.fleet import fleet
from tests.harness.postgres import Postgres, fresh_database
from tests.harness.rabbitmq_server import MISSING, own_rabbitmq, rabbitmq_executable

MANY, SOME = 60, 20

# Its node takes longer to start than all of it on Redis, where the same is told in every run of the tests.
pytestmark = [pytest.mark.faults, pytest.mark.skipif(rabbitmq_executable() is None, reason=MISSING)]


async def test_messages_alone_bring_all_orders_to_both_workers(postgres: Postgres, tmp_path: Path) -> None:
    with own_rabbitmq() as rabbitmq, fresh_database(postgres) as url:
        planted = fleet(url, tmp_path, rabbitmq.url, plants=["never_sweeps"], api_plants=["undisturbed"])
        async with planted as ours:
            await ours.until_carried()
            async with ours.nothing_twice():
                await ours.place(MANY)
                await ours.until_done()
                assert min(await ours.counted("pipeline_wakeups_heard_total", outcome="taken")) > 0
                async with ours.held(SOME):
                    ours.remote.wake(*[run.id for run in read_runs(url) if run.owner])
                await ours.until_done()
