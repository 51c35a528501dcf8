"""A process from its start to its end: it takes work, drains, hands over, and leaves no trace of life."""

import asyncio
import os
import threading
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from pipelines import (
    AlreadyServed,
    JournalTooOld,
    OutcomeUnknown,
    Pipeline,
    Process,
    ReadSession,
    RunState,
    StepContext,
    Transaction,
    Unavailable,
    start,
)
from pipelines.events import Event, ProcessFailed
from pipelines.journal.tables import processes
from pipelines.testing import Moment, Mortality, Point, Rehearsal
from tests.builders.deaths import Death
from tests.builders.world import Trip, World, journal_row, note, noted, staged, told

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
AT_ONCE = timedelta(0)


def two_steps() -> Pipeline[Trip]:
    pipeline = Pipeline("trip", Trip)

    @pipeline.step()
    async def pay(world: World, step: StepContext) -> None:
        await world.call("pay", step)

    @pipeline.step()
    def book(tx: Transaction) -> None:
        note(tx, "booked")

    return pipeline


def standing(stage: Rehearsal) -> str:
    with ReadSession(stage.process.readers) as session:
        mine = select(processes.c.state).where(processes.c.id == stage.process.process_id)
        return str(session.execute(mine).scalar_one())


async def test_a_process_is_in_the_journal_as_long_as_it_lives(database_url: str) -> None:
    async with staged(database_url, []) as stage:
        assert standing(stage) == "live"
        await stage.process.drain()
        assert standing(stage) == "draining"
    assert standing(stage) == "dead"
    stage.process.readers.dispose()


async def test_what_is_started_while_draining_is_for_others(database_url: str) -> None:
    pipeline, world = two_steps(), World()
    async with staged(database_url, [pipeline], world) as stage:
        stage.process.begin_to_drain()
        assert not stage.process.is_ready
        run_id = await stage.start(pipeline, Trip())
        stage.process.worker.look()
        await stage.process.worker.settled()
        assert journal_row(stage, run_id).state is RunState.READY
    assert world.calls == []


async def test_a_step_that_is_under_way_reaches_its_attempt_and_another_process_takes_the_next(
    database_url: str,
) -> None:
    pipeline, world = two_steps(), World()
    gate = world.holds("pay")
    async with staged(database_url, [pipeline], world) as stage:
        run_id = await stage.start(pipeline, Trip())
        await gate.reached.wait()
        draining = asyncio.create_task(stage.process.drain())
        await asyncio.sleep(0)
        gate.opened.set()
        await draining
        assert told(stage.run(run_id)) == ["do pay: success"]
        assert noted(database_url) == []
    async with staged(database_url, [pipeline], world) as stage:
        await stage.run_to_the_end()
        assert told(stage.run(run_id)) == ["do pay: success", "do book: success"]
    assert world.heard == ["pay"]


async def test_after_the_grace_a_call_is_broken_off_and_no_attempt_is_burned(database_url: str) -> None:
    pipeline, world = two_steps(), World()
    gate = world.holds("pay")
    async with staged(database_url, [pipeline], world) as stage:
        run_id = await stage.start(pipeline, Trip())
        await gate.reached.wait()
        await stage.process.drain(grace=AT_ONCE)
    gate.opened.set()
    async with staged(database_url, [pipeline], world) as stage:
        assert told(stage.run(run_id)) == []
        assert journal_row(stage, run_id).crashes == 0
        await stage.run_to_the_end()
        assert stage.run(run_id).state is RunState.COMPLETED
    assert len(world.keys("pay")) == 1


async def test_who_is_in_a_hurry_does_not_wait_for_the_grace(database_url: str) -> None:
    pipeline, world = two_steps(), World()
    gate = world.holds("pay")
    async with staged(database_url, [pipeline], world) as stage:
        run_id = await stage.start(pipeline, Trip())
        await gate.reached.wait()
        draining = asyncio.create_task(stage.process.drain(grace=timedelta(days=1)))
        await asyncio.sleep(0)
        stage.process.hurry()
        await draining
        assert world.broken_off == ["pay"]
        assert told(stage.run(run_id)) == []


async def test_a_run_that_was_on_its_way_here_when_draining_began_is_handed_over(database_url: str) -> None:
    pipeline, world = two_steps(), World()
    async with staged(database_url, [pipeline], world) as stage:

        def start_as_draining_begins(tx: Transaction) -> UUID:
            run_id = start(tx, pipeline, Trip())
            stage.process.loop.call_soon_threadsafe(stage.process.begin_to_drain)
            return run_id

        run_id = await stage.write(start_as_draining_begins)
        await stage.process.worker.idle()
        assert journal_row(stage, run_id).owner == stage.process.process_id
    assert world.calls == []
    async with staged(database_url, [], slots=0) as stage:
        assert journal_row(stage, run_id).state is RunState.READY


async def test_a_computation_that_does_not_end_does_not_keep_the_process(database_url: str) -> None:
    pipeline, running, may_end = Pipeline("trip", Trip), asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    @pipeline.step()
    def compute(trip: Trip) -> None:
        loop.call_soon_threadsafe(running.set)
        asyncio.run_coroutine_threadsafe(may_end.wait(), loop).result()

    async with staged(database_url, [pipeline]) as stage:
        run_id = await stage.start(pipeline, Trip())
        await running.wait()
        await stage.process.drain(grace=AT_ONCE)
    may_end.set()
    async with staged(database_url, [], slots=0) as stage:
        assert journal_row(stage, run_id).state is RunState.READY


async def test_a_database_that_does_not_answer_keeps_no_one_from_draining(database_url: str) -> None:
    answers = threading.Event()
    async with staged(database_url, []) as stage:
        stuck = asyncio.create_task(stage.write(lambda _: answers.wait() and None))
        await asyncio.sleep(0)
        await stage.process.drain(grace=AT_ONCE)
        answers.set()
        await stuck


@SQLITE
async def test_a_file_that_is_served_is_refused_and_its_holder_unharmed(database_url: str) -> None:
    pipeline = two_steps()
    async with staged(database_url, [pipeline]) as stage:
        with pytest.raises(AlreadyServed, match=str(os.getpid())):
            await Process(database_url).start()
        run_id = await stage.start(pipeline, Trip())
        await stage.run_to_the_end()
        assert stage.run(run_id).state is RunState.COMPLETED


@SQLITE
async def test_a_process_that_cannot_begin_lets_the_file_go(database_url: str) -> None:
    with pytest.raises(JournalTooOld):  # there are no tables
        await Process(database_url).start()
    async with staged(database_url, []) as stage:
        assert standing(stage) == "live"


async def test_a_process_that_may_write_no_more_says_so_and_refuses(database_url: str) -> None:
    pipeline, events, death = two_steps(), list[Event](), Death()
    mortality = Mortality(Point(Moment.BEFORE_COMMIT, "the start"))
    async with staged(database_url, [pipeline], events=events, on_failure=death.notice, faults=mortality) as stage:
        with mortality.watching():
            lost = asyncio.create_task(stage.start(pipeline, Trip()))
            await death.happened.wait()
        with pytest.raises(OutcomeUnknown):
            await lost
        with pytest.raises(Unavailable):
            await stage.start(pipeline, Trip())
        assert not stage.process.is_ready
        assert ProcessFailed(str(stage.process.failed)) in events
        await stage.process.drain(grace=timedelta(days=1))
    assert standing(stage) == "live"  # it has written nothing any more: its lease runs out
    stage.process.readers.dispose()
