"""Messages alone bring orders to Celery workers that never sweep; what is doubled or wrong in them changes nothing."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
import pytest_asyncio
from pydantic import BaseModel

from pipelines import Pipeline, Process, StepContext, start
from tests.harness.facts import read_runs
from tests.harness.fleet import Fleet, fleet
from tests.harness.postgres import Postgres, fresh_database
from tests.harness.processes import START_SECONDS
from tests.harness.redis_server import RedisServer, own_redis
from tests.harness.remote_control import QUEUE, WAKE
from tests.harness.stage import until

MANY, SOME, FEW = 60, 20, 4
WORKERS = 2

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    with own_redis() as redis:
        yield redis


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def ours(
    postgres: Postgres, redis: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Fleet]:
    folder = tmp_path_factory.mktemp("fleet")
    with fresh_database(postgres) as url:
        async with fleet(url, folder, redis.url, plants=["never_sweeps"], api_plants=["undisturbed"]) as ours:
            yield ours


@pytest_asyncio.fixture(loop_scope="module")
async def judged(ours: Fleet) -> AsyncIterator[None]:
    """Whatever a test does to the messages."""
    async with ours.nothing_twice():
        yield


@pytest.mark.usefixtures("judged")
async def test_messages_alone_bring_all_orders_to_both_workers(ours: Fleet) -> None:
    await ours.place(MANY)
    await ours.until_done()
    taken = await ours.counted("pipeline_wakeups_heard_total", outcome="taken")
    assert sum(taken) == MANY
    assert min(taken) > 0


@pytest.mark.usefixtures("judged")
async def test_messages_for_what_has_an_owner_or_has_ended_change_nothing(ours: Fleet, redis: RedisServer) -> None:
    async with ours.held(SOME):
        owned = [run.id for run in read_runs(ours.stage.database_url) if run.owner]
        ours.remote.wake(*owned, *owned)
        await until_acknowledged(redis)
    await ours.until_done()
    ours.remote.wake(*owned, *owned)
    await until_acknowledged(redis)
    await ours.until_done()


@pytest.mark.usefixtures("judged")
async def test_what_is_no_message_of_ours_is_put_aside(ours: Fleet, redis: RedisServer) -> None:
    for arguments in ((), ("no id",), (uuid4().hex[:-1],), (None,), ({"run_id": 1},), (1, 2)):
        ours.remote.send(WAKE, *arguments)
    ours.remote.wake(uuid4())  # nobody has heard of it
    ours.remote.send("no.such.task", "at all")
    ours.remote.publish(b"{]", content_type="application/json")
    ours.remote.publish(b"\x80\x04.", content_type="application/x-python-serialize")
    await until_acknowledged(redis)
    await ours.until_listening()
    await ours.place(FEW)
    await ours.until_done()


@pytest.mark.usefixtures("judged")
async def test_a_version_that_nobody_knows_waits_and_blocks_nobody(ours: Fleet, redis: RedisServer) -> None:
    run_id = await started_by_another_release(ours)
    ours.remote.wake(run_id)
    await ours.place(FEW)
    await ours.until_done(but=[run_id])
    await until_acknowledged(redis)
    [foreign] = [run for run in read_runs(ours.stage.database_url) if run.id == str(run_id)]
    assert (foreign.state, foreign.owner, foreign.crashes) == ("ready", None, 0)
    await forgotten(ours, run_id)


@pytest.mark.parametrize("what", ["active", "reserved", "registered", "active_queues", "stats"])
async def test_celery_inspect_is_answered_by_every_worker(ours: Fleet, what: str) -> None:
    answers: dict[str, Any] = {}
    async with asyncio.timeout(START_SECONDS):
        while len(answers) < WORKERS:  # a busy one may be late
            answers = await asyncio.to_thread(ours.remote.ask, what, workers=WORKERS)
    assert sorted(name.partition("@")[0] for name in answers) == ["one", "two"]
    assert {"registered": WAKE, "active_queues": QUEUE, "stats": "max-concurrency"}.get(what, "[]") in str(answers)


async def test_the_events_that_flower_reads_are_sent(ours: Fleet) -> None:
    kinds = ("worker-heartbeat", "task-received", "task-started", "task-succeeded")
    async with asyncio.TaskGroup() as group:
        listening = group.create_task(asyncio.to_thread(ours.remote.hear, *kinds))
        while not listening.done():
            await ours.place(1)
            await asyncio.sleep(0.1)
    assert listening.result().keys() >= set(kinds)
    await ours.until_done()


async def until_acknowledged(redis: RedisServer) -> None:
    await until(lambda: redis.messages(QUEUE) == 0)


async def started_by_another_release(ours: Fleet) -> UUID:
    """A run of the same pipeline, and of a version that this code does not have."""
    pipeline = Pipeline("fulfill-order", Nothing)

    @pipeline.step()
    async def do_it_otherwise(nothing: Nothing, step: StepContext) -> None:
        raise AssertionError("nobody can")

    other = Process(ours.stage.database_url, slots=0)
    await other.start(sweeping=False)
    try:
        return await other.write(start, pipeline, Nothing())
    finally:
        await other.stop()


async def forgotten(ours: Fleet, run_id: UUID) -> None:
    """For the tests that come after this one."""
    with psycopg.connect(ours.stage.database_url, autocommit=True) as connection:
        connection.execute("DELETE FROM runs WHERE id = %s", [run_id])


class Nothing(BaseModel):
    """What the other release takes."""
