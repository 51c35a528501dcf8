"""Celery workers and their broker are killed, paused, emptied and sent away: every order is done, and done once."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from tests.harness.facts import read_dead_pids, read_facts, read_order_runs
from tests.harness.fleet import Fleet, counted, fleet
from tests.harness.postgres import Postgres, fresh_database
from tests.harness.receiver import Answer, always
from tests.harness.redis_server import RedisServer, own_redis
from tests.harness.stage import until

MANY, SOME = 120, 20
LEASE_SECONDS = 5  # short, for it is waited for; and long enough for a machine that has other things to do
FENCED = 70  # the exit code of a process that may write no more

BUSY = always(Answer(delay_seconds=0.1))  # so that webhooks are under way whenever something ends

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    with own_redis() as redis:
        yield redis


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def ours(
    postgres: Postgres, redis: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Fleet]:
    with fresh_database(postgres) as url:
        async with fleet(url, tmp_path_factory.mktemp("fleet"), redis.url, lease_seconds=LEASE_SECONDS) as ours:
            ours.stage.receiver.behaviour = BUSY
            yield ours


async def test_orders_survive_a_killed_and_a_paused_worker(ours: Fleet) -> None:
    killed, paused = ours.workers
    async with asyncio.TaskGroup() as story:
        story.create_task(ours.place(MANY))
        await until_sent(ours, SOME)
        await killed.kill()
        await until_sent(ours, SOME)
        await killed.serve()
        paused.pause()
        await until(lambda: paused.pid in read_dead_pids(ours.stage.database_url))
        paused.resume()
        assert (await paused.until_exit()).code == FENCED
        assert "declared dead by another process" in paused.log.read_text()  # a line for each of its runs follows
    await ours.until_done()
    assert ours.stage.violations() == []
    await paused.serve()
    await ours.until_listening()


async def test_orders_are_accepted_and_done_whatever_becomes_of_the_broker(ours: Fleet, redis: RedisServer) -> None:
    async with asyncio.TaskGroup() as story:
        story.create_task(ours.place(MANY))
        for _ in range(3):
            await until_sent(ours, SOME)
            redis.flush()
    redis.kill()
    await ours.place(SOME)
    await ours.until_done()
    unheard = [await counted(ours.api, "pipeline_wakeups_total", outcome=each) for each in ("dropped", "failed")]
    assert sum(unheard) > 0
    redis.start()
    await ours.until_listening()
    heard = sum(await ours.counted("pipeline_wakeups_heard_total"))
    while sum(await ours.counted("pipeline_wakeups_heard_total")) == heard:
        await ours.place(1)
    await ours.until_done()
    assert ours.stage.violations() == []


async def test_a_worker_that_is_told_to_go_hands_over_what_it_has(ours: Fleet) -> None:
    """It does not come back, for a start costs more than this story; nor does the other one, in the next."""
    leaving, _ = ours.workers
    crashes = sum(run.crashes for run in read_order_runs(ours.stage.database_url))
    failures = len(broken_off(ours))
    async with ours.nothing_twice():
        async with asyncio.TaskGroup() as story:
            story.create_task(ours.place(MANY))
            await until_sent(ours, SOME)
            leaving.terminate()
            assert (await leaving.until_exit()).code == 0
        await ours.until_done()
    assert sum(run.crashes for run in read_order_runs(ours.stage.database_url)) == crashes
    assert len(broken_off(ours)) == failures


async def test_a_silent_broker_keeps_nobody(ours: Fleet, redis: RedisServer) -> None:
    _, worker = ours.workers
    redis.pause()
    try:
        await ours.place(SOME)
        await ours.until_done()
        worker.terminate()
        ours.api.terminate()
        assert (await worker.until_exit()).code == (await ours.api.until_exit()).code == 0
    finally:
        redis.resume()
    assert "ends without a goodbye" in worker.log_end()


async def until_sent(ours: Fleet, count: int) -> None:
    """Until the warehouse has heard of so many more orders."""
    before = len(ours.stage.receiver.deliveries)
    await ours.stage.receiver.until(lambda receiver: len(receiver.deliveries) >= before + count)


def broken_off(ours: Fleet) -> list[object]:
    """The attempts that were not the first one, or no success."""
    attempts = read_facts(ours.stage.database_url).attempts.values()
    return [each for tried in attempts for each in tried if (each.number, each.outcome) != (1, "success")]
