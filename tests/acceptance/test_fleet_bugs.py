"""Bugs that the stories of the fleet must notice, planted one at a time."""

from pathlib import Path

import pytest

from tests.harness.facts import read_order_runs
from tests.harness.fleet import counted, fleet
from tests.harness.postgres import Postgres, fresh_database
from tests.harness.redis_server import own_redis
from tests.harness.stage import until

FEW = 4

pytestmark = pytest.mark.faults


async def test_a_wake_up_before_its_commit_is_noticed(postgres: Postgres, tmp_path: Path) -> None:
    """Workers that never sweep do not find the run afterwards. If one has heard of it too late, there is another."""
    with own_redis() as redis, fresh_database(postgres) as url:
        planted = fleet(url, tmp_path, redis.url, plants=["never_sweeps"], api_plants=["tells_before_commit"])
        async with planted as ours:
            placed = 0
            while not sum(await ours.counted("pipeline_wakeups_heard_total", outcome="left")):
                await ours.place(1)
                placed += 1
            assert await counted(ours.api, "pipeline_wakeups_total", outcome="published") <= placed  # not told again
            assert any(violation.endswith("its run is ready") for violation in ours.stage.violations())


async def test_a_take_from_its_owner_is_noticed(postgres: Postgres, tmp_path: Path) -> None:
    """Two workers send the same order to the warehouse."""
    with own_redis() as redis, fresh_database(postgres) as url:
        planted = fleet(
            url,
            tmp_path,
            redis.url,
            plants=["never_sweeps", "takes_what_is_owned"],
            api_plants=["undisturbed"],
        )
        async with planted as ours, ours.held(FEW):
            ours.remote.wake(*[run.id for run in read_order_runs(url)] * 8)
            await until(lambda: len(ours.stage.receiver.deliveries) > FEW)  # and `nothing_twice` compares these
