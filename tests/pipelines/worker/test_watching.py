"""Runs are followed through the journal, whoever owns them, and nobody who has gone is kept in mind."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event

from pipelines import AttemptMade, Overloaded, Process, RunNews, RunStands, RunState, UnknownRun, start
from tests.builders.journeys import journey, served
from tests.builders.world import Trip, World
from tests.harness.postgres import Postgres, fresh_database

STORY = ["pack", "travel", "unpack"]
PATIENCE = 20.0


async def begun(process: Process) -> UUID:
    return await process.write(start, journey(), Trip())


async def followed(process: Process, run_id: UUID, after: str | None = None) -> list[RunNews]:
    async with asyncio.timeout(PATIENCE), process.watch(run_id, after=after) as watch:
        return [news async for news in watch]


def attempts(told: list[RunNews]) -> list[str]:
    return [each.attempt.step for each in told if isinstance(each, AttemptMade)]


def states(told: list[RunNews]) -> list[RunState]:
    return [each.state for each in told if isinstance(each, RunStands)]


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
async def process(database_url: str, world: World) -> AsyncIterator[Process]:
    async with served(database_url, world) as process:
        yield process


async def test_a_run_is_followed_to_its_end(process: Process, world: World) -> None:
    gate = world.holds("travel")
    run_id = await begun(process)
    following = asyncio.create_task(followed(process, run_id))
    await gate.reached.wait()
    gate.opened.set()
    told = await following
    assert attempts(told) == STORY
    assert states(told)[-1] is RunState.COMPLETED


async def test_progress_is_told_as_it_is_made(process: Process, world: World) -> None:
    gate = world.holds("travel")
    run_id = await begun(process)
    async with asyncio.timeout(PATIENCE), process.watch(run_id) as watch:
        async for news in watch:
            if isinstance(news, RunStands) and news.progress is not None:
                gate.opened.set()
                assert (news.step, news.progress.note) == ("travel", "left")
                break
    assert world.holds("travel").opened.is_set()


async def test_who_comes_back_at_any_point_hears_the_rest_once(process: Process) -> None:
    run_id = await begun(process)
    told = await followed(process, run_id)
    for heard in range(len(told)):
        rest = await followed(process, run_id, told[heard].id)
        assert attempts([*told[: heard + 1], *rest]) == STORY
        assert states([*told[: heard + 1], *rest])[-1] is RunState.COMPLETED


async def test_an_ended_run_is_over_for_who_knows_its_end(process: Process) -> None:
    run_id = await begun(process)
    end = (await followed(process, run_id))[-1].id
    async with process.watch(run_id, after=end) as watch:
        assert watch.has_told_all
        assert [news async for news in watch] == []


async def test_a_run_that_nobody_knows_cannot_be_watched(process: Process) -> None:
    with pytest.raises(UnknownRun):
        await followed(process, uuid4())
    assert process.watchers.count == 0


async def test_many_watchers_share_one_look(database_url: str, world: World) -> None:
    gate = world.holds("travel")
    async with served(database_url, world) as process:
        run_id = await begun(process)
        await gate.reached.wait()
        looks: list[str] = []
        event.listen(process.readers, "before_cursor_execute", lambda *said: looks.append(said[2]))
        following = [asyncio.create_task(followed(process, run_id)) for _ in range(20)]
        while process.watchers.count < 20:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0)
        gate.opened.set()
        told = await asyncio.gather(*following)
    assert [attempts(each) for each in told] == [STORY] * 20
    assert len([look for look in looks if "FROM attempts" in look]) < 10


async def test_only_so_many_may_watch_and_their_places_come_free(process: Process, world: World) -> None:
    gate = world.holds("travel")
    run_id = await begun(process)
    process.watchers._most = 2
    async with process.watch(run_id), process.watch(run_id):
        with pytest.raises(Overloaded):
            await followed(process, run_id)
        assert process.watchers.count == 2
    assert process.watchers.count == 0
    gate.opened.set()
    assert attempts(await followed(process, run_id)) == STORY


async def test_a_watcher_that_is_cancelled_is_forgotten(process: Process, world: World) -> None:
    gate = world.holds("travel")
    run_id = await begun(process)
    following = asyncio.create_task(followed(process, run_id))
    await gate.reached.wait()
    assert process.watchers.count == 1
    following.cancel()
    await asyncio.wait([following])
    assert (process.watchers.count, process.events._subscribers) == (0, [])
    gate.opened.set()


async def test_a_slow_watcher_hears_every_attempt_and_the_latest_standing(process: Process) -> None:
    run_id = await begun(process)
    told: list[RunNews] = []
    async with asyncio.timeout(PATIENCE), process.watch(run_id) as watch:
        async for news in watch:
            told.append(news)
            while watch._watched.seen is None or not watch._watched.seen.state.is_terminal:
                await watch._watched.changed.wait()  # the run goes on, and ends, meanwhile
    assert attempts(told) == STORY
    assert len(states(told)) <= 2


async def test_watchers_are_sent_home_when_the_process_drains(process: Process, world: World) -> None:
    gate = world.holds("travel")
    run_id = await begun(process)
    following = asyncio.create_task(followed(process, run_id))
    await gate.reached.wait()
    process.begin_to_drain()
    told = await following
    assert RunState.COMPLETED not in states(told)
    assert await followed(process, run_id) == []
    gate.opened.set()


@asynccontextmanager
async def two_processes(postgres: Postgres, world: World) -> AsyncIterator[tuple[Process, Process]]:
    with fresh_database(postgres) as url:
        async with served(url, world) as owner, served(url, slots=0) as onlooker:
            yield owner, onlooker


async def test_a_run_of_another_process_is_followed(postgres: Postgres, world: World) -> None:
    gate = world.holds("travel")
    async with two_processes(postgres, world) as (owner, onlooker):
        run_id = await begun(owner)
        following = asyncio.create_task(followed(onlooker, run_id))
        await gate.reached.wait()
        gate.opened.set()
        told = await following
    assert attempts(told) == STORY
    assert states(told)[-1] is RunState.COMPLETED
