"""The runs of the dead are freed, with their direction, and the dead write nothing any more."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from pipelines import Pipeline, ReadSession, Reject, RunState, StepContext, Transaction, cancel
from pipelines.events import Event, ProcessFailed, WriteRefused
from pipelines.journal import open_for_writing, reaping
from pipelines.journal.tables import processes, runs
from pipelines.testing import Rehearsal, VirtualClock
from tests.builders.deaths import Death
from tests.builders.world import Trip, World, journal_row, note, noted, staged, told
from tests.harness.clocks import ROUNDING
from tests.harness.plans import OWNER, fill, plan_of

POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
LEASE = timedelta(seconds=15)


def paid_trip(last: Exception | None = None) -> Pipeline[Trip]:
    pipeline = Pipeline("trip", Trip)

    async def refund(world: World, step: StepContext) -> None:
        await world.call("refund", step)

    @pipeline.step(undo=refund)
    async def pay(world: World, step: StepContext) -> None:
        await world.call("pay", step)

    @pipeline.step()
    def book(tx: Transaction) -> None:
        note(tx, "booked")
        if last is not None:
            raise last

    return pipeline


def later(by: timedelta = LEASE) -> VirtualClock:
    clock = VirtualClock()
    clock.advance(by + timedelta(seconds=1))
    return clock


async def reap(stage: Rehearsal, *, count_crash: bool = True) -> reaping.Reaped:
    return await stage.write(reaping.reap, count_crash=count_crash, jitter=0.5)


@POSTGRESQL
async def test_who_was_paused_for_longer_than_its_lease_commits_nothing_when_it_wakes(database_url: str) -> None:
    pipeline, world, events, death = paid_trip(), World(), list[Event](), Death()
    gate = world.holds("pay")
    async with staged(database_url, [pipeline], world, events=events, on_failure=death.notice) as paused:
        run_id = await paused.start(pipeline, Trip())
        await gate.reached.wait()
        async with staged(database_url, [pipeline], World(), clock=later()) as other:
            assert await reap(other) == reaping.Reaped(runs=1, processes=1)
            await other.run_to_the_end()
            finished = other.run(run_id)
            gate.opened.set()
            await death.happened.wait()
            await paused.process.worker.idle()
            assert other.run(run_id) == finished
    assert told(finished) == ["do pay: success", "do book: success"]
    assert noted(database_url) == ["booked"]
    assert [type(event) for event in events[-2:]] in ([WriteRefused, ProcessFailed], [ProcessFailed, WriteRefused])


@POSTGRESQL
async def test_a_process_within_its_lease_is_left_alone(database_url: str) -> None:
    pipeline, world = paid_trip(), World()
    gate = world.holds("pay")
    async with staged(database_url, [pipeline], world) as stage:
        run_id = await stage.start(pipeline, Trip())
        await gate.reached.wait()
        async with staged(database_url, [pipeline], clock=later(timedelta(0))) as other:
            assert await reap(other) == reaping.Reaped()
            assert journal_row(other, run_id).owner == stage.process.process_id


@POSTGRESQL
@pytest.mark.parametrize("count_crash", [True, False], ids=["a crash", "after an outage"])
async def test_a_freed_run_has_a_new_fence_and_a_crash_if_it_was_one(database_url: str, *, count_crash: bool) -> None:
    pipeline, world = paid_trip(), World()
    gate = world.holds("pay")
    async with staged(database_url, [pipeline], world) as stage:
        run_id = await stage.start(pipeline, Trip())
        await gate.reached.wait()
        async with staged(database_url, [pipeline], clock=later()) as other:
            await reap(other, count_crash=count_crash)
            row = journal_row(other, run_id)
    assert (row.state, row.owner, row.fence, row.crashes) == (RunState.READY, None, 2, int(count_crash))


@POSTGRESQL
async def test_an_attempt_forgets_the_crashes_before_it(database_url: str) -> None:
    pipeline, world = paid_trip(), World()
    gate = world.holds("pay")
    async with staged(database_url, [pipeline], world) as stage:
        run_id = await stage.start(pipeline, Trip())
        await gate.reached.wait()
        async with staged(database_url, [pipeline], World(), clock=later()) as other:
            await reap(other)
            await other.run_to_the_end()
            assert journal_row(other, run_id).crashes == 0


@POSTGRESQL
async def test_a_run_that_goes_back_goes_back_in_whatever_hands(database_url: str) -> None:
    pipeline, world = paid_trip(Reject("full")), World()
    gate = world.holds("refund")
    async with staged(database_url, [pipeline], world) as stage:
        run_id = await stage.start(pipeline, Trip())
        await gate.reached.wait()
        async with staged(database_url, [pipeline], World(), clock=later()) as other:
            await reap(other)
            assert journal_row(other, run_id).state is RunState.UNDOING
            await other.run_to_the_end()
            run = other.run(run_id)
    assert (run.state, run.reason) == (RunState.REJECTED, "full")
    assert told(run) == ["do pay: success", "do book: rejected", "undo pay: success"]


@POSTGRESQL
async def test_a_run_that_was_cancelled_under_the_dead_is_undone(database_url: str) -> None:
    pipeline, world = paid_trip(), World()
    gate = world.holds("pay")
    async with staged(database_url, [pipeline], world) as stage:
        run_id = await stage.start(pipeline, Trip())
        await gate.reached.wait()
        async with staged(database_url, [pipeline], World(), clock=later()) as other:
            await other.write(cancel, run_id, reason="not needed")
            await reap(other)
            assert journal_row(other, run_id).state is RunState.UNDOING
            await other.run_to_the_end()
            assert told(other.run(run_id)) == ["undo pay: success"]
            assert other.run(run_id).state is RunState.CANCELLED


@POSTGRESQL
async def test_a_run_that_crashed_before_is_put_off(database_url: str) -> None:
    pipeline, world = paid_trip(), World()
    gate = world.holds("pay")
    async with staged(database_url, [pipeline], world) as stage:
        run_id = await stage.start(pipeline, Trip())
        await gate.reached.wait()
        clock = later()
        async with staged(database_url, [pipeline], clock=clock) as other:
            await other.write(lambda tx: tx.execute(update(runs).values(crashes=5)) and None)
            before = clock.now()
            await reap(other)
            after, due_at = clock.now(), journal_row(other, run_id).due_at
    wait = timedelta(seconds=16)  # the jitter, one half, of 2 ** 5 seconds
    assert before + wait - ROUNDING <= due_at <= after + wait + ROUNDING


@POSTGRESQL
async def test_a_process_that_is_just_committing_is_not_declared_dead(database_url: str) -> None:
    engine = open_for_writing(database_url)
    async with staged(database_url, []) as busy, staged(database_url, [], clock=later()) as other:
        with engine.begin() as connection:
            connection.execute(
                select(processes.c.id).where(processes.c.id == busy.process.process_id).with_for_update()
            )
            await reap(other)
            assert connection.execute(select(processes.c.state)).scalars().all() == ["live", "live"]
    engine.dispose()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_the_next_holder_of_a_file_frees_the_runs_of_its_predecessors_at_once(database_url: str) -> None:
    pipeline, world = paid_trip(), World()
    gate = world.holds("pay")
    async with staged(database_url, [pipeline], world) as dead:
        run_id = await dead.start(pipeline, Trip())
        await gate.reached.wait()
        kill(dead)
        async with staged(database_url, [pipeline], World()) as heir:
            heir.process.worker.look()
            await heir.process.worker.settled()
            assert heir.run(run_id).state is RunState.COMPLETED
            assert journal_row(heir, run_id).fence == 3
            with ReadSession(heir.process.readers) as session:
                states = dict(session.execute(select(processes.c.id, processes.c.state)).all())
    assert states == {dead.process.process_id: "dead", heir.process.process_id: "live"}


def test_the_runs_of_the_dead_are_found_by_their_index(database_url: str) -> None:
    engine = fill(database_url)
    bound = {"dead": [OWNER], "with_solo": [OWNER], "count": 1} | reaping._due_times(0.0, jitter=0.5)
    assert "ix_runs_owner" in plan_of(engine, reaping._FREE, bound)
    engine.dispose()


def kill(stage: Rehearsal) -> None:
    """As the kernel would: the lock is free, and the process says nothing any more."""
    assert stage.process._lock is not None
    stage.process._lock.release()
    stage.process.failed = "killed"


def test_the_more_often_processes_die_with_a_run_the_longer_it_waits() -> None:
    due = reaping._due_times(100.0, jitter=0.5)
    assert list(due.values()) == [100.0, 101.0, 102.0, 104.0, 108.0, 116.0, 130.0]
