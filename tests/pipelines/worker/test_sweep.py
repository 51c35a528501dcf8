"""The recurring duties: the lease is renewed, due runs are found, the dead are reaped, but never after an outage."""

import asyncio
from datetime import timedelta

import pytest

from pipelines import Pipeline, Rhythm, RunState, StepContext
from pipelines.events import Event, RunsReaped
from pipelines.testing import Rehearsal, VirtualClock
from pipelines.worker import sweep as sweeping
from pipelines.worker.sweep import Sweep, _reap
from tests.builders.desk import PATIENCE_SECONDS
from tests.builders.world import Trip, World, journal_row, staged

POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
LEASE = Rhythm().lease.total_seconds()


def one_call() -> Pipeline[Trip]:
    pipeline = Pipeline("trip", Trip)

    @pipeline.step()
    async def go(trip: Trip, world: World, step: StepContext) -> None:
        await world.call(trip.to, step)

    return pipeline


def later() -> VirtualClock:
    clock = VirtualClock()
    clock.advance(timedelta(seconds=LEASE + 1))
    return clock


def sweep_of(stage: Rehearsal, *, steady_for: float = 0.0, saw_outage: bool = False) -> Sweep:
    """The sweep of a process that has renewed its lease for so long, since its birth or since an outage."""
    sweep = stage.process._sweep
    sweep._steady_since -= steady_for
    sweep._saw_outage = saw_outage
    return sweep


@POSTGRESQL
@pytest.mark.parametrize(
    ("saw_outage", "steady_for", "state", "crashes"),
    [
        (False, 0.0, RunState.RUNNING, 0),
        (False, LEASE, RunState.READY, 1),
        (True, LEASE, RunState.READY, 0),
        (True, 2 * LEASE, RunState.READY, 1),
    ],
    ids=["at first nobody", "after a lease", "after a lease since an outage, but not as crashed", "after two leases"],
)
async def test_a_process_declares_dead_only_after_a_lease_of_its_own_renewals(
    database_url: str, *, saw_outage: bool, steady_for: float, state: RunState, crashes: int
) -> None:
    pipeline, world = one_call(), World()
    gate = world.holds("Oslo")
    async with staged(database_url, [pipeline], world) as late:
        run_id = await late.start(pipeline, Trip())
        await gate.reached.wait()
        async with staged(database_url, [], clock=later()) as other:
            await sweep_of(other, steady_for=steady_for, saw_outage=saw_outage)._look_around()
            row = journal_row(other, run_id)
    assert (row.state, row.crashes) == (state, crashes)


@POSTGRESQL
async def test_who_has_just_come_back_from_an_outage_declares_nobody_dead(database_url: str) -> None:
    pipeline, world, events = one_call(), World(), list[Event]()
    gate = world.holds("Oslo")
    async with staged(database_url, [pipeline], world) as late:
        run_id = await late.start(pipeline, Trip())
        await gate.reached.wait()
        async with staged(database_url, [], clock=later(), events=events) as other:
            sweep = sweep_of(other, steady_for=10 * LEASE)
            sweep._renewed_at -= LEASE + 1  # the renewal before the last one is that long ago
            await sweep._look_around()
            assert journal_row(other, run_id).state is RunState.RUNNING
            assert sweep._saw_outage
    assert not [event for event in events if isinstance(event, RunsReaped)]


@POSTGRESQL
async def test_what_was_seen_before_an_outage_is_not_acted_on_after_it(database_url: str) -> None:
    pipeline, world = one_call(), World()
    gate = world.holds("Oslo")
    async with staged(database_url, [pipeline], world) as late:
        run_id = await late.start(pipeline, Trip())
        await gate.reached.wait()
        async with staged(database_url, [], clock=later()) as other:
            stale_at = other.clock.monotonic() - 1
            assert await other.write(_reap, True, stale_at) is None  # noqa: FBT003 - as the sweep submits it
            assert journal_row(other, run_id).state is RunState.RUNNING


@POSTGRESQL
async def test_it_is_told_how_many_runs_and_processes_were_reaped(database_url: str) -> None:
    pipeline, world, events = one_call(), World(), list[Event]()
    gate = world.holds("Oslo")
    async with staged(database_url, [pipeline], world) as late:
        await late.start(pipeline, Trip())
        await gate.reached.wait()
        async with staged(database_url, [], clock=later(), events=events) as other:
            await sweep_of(other, steady_for=LEASE)._look_around()
    assert [event for event in events if isinstance(event, RunsReaped)] == [RunsReaped(1, quarantined=0, processes=1)]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_who_finds_nobody_dead_says_nothing(database_url: str) -> None:
    events: list[Event] = []
    async with staged(database_url, [], events=events):
        assert not [event for event in events if isinstance(event, RunsReaped)]


async def test_a_run_that_nobody_was_told_of_is_found(database_url: str) -> None:
    pipeline = one_call()
    async with staged(database_url, [pipeline], slots=0) as stage:
        run_id = await stage.start(pipeline, Trip())
    async with staged(database_url, [pipeline]) as stage:
        await stage.process._sweep._look_around()
        await stage.process.worker.settled()
        assert stage.run(run_id).state is RunState.COMPLETED


async def test_who_has_found_something_and_has_room_looks_again_sooner(database_url: str) -> None:
    pipeline, world = one_call(), World()
    gate = world.holds("Oslo")
    async with staged(database_url, [pipeline], slots=0) as stage:
        await stage.start(pipeline, Trip())
        assert not await stage.process._sweep._look_around()  # it is not for this one
    async with staged(database_url, [pipeline], world, slots=2) as stage:
        assert await stage.process._sweep._look_around()
        await gate.reached.wait()
        assert not await stage.process._sweep._look_around()


async def test_a_process_without_pipelines_sweeps_too(database_url: str) -> None:
    async with staged(database_url, []) as stage:
        await stage.process._sweep._look_around()


async def test_a_process_that_drains_looks_for_nothing(database_url: str) -> None:
    pipeline = one_call()
    async with staged(database_url, [pipeline], slots=0) as stage:
        run_id = await stage.start(pipeline, Trip())
    async with staged(database_url, [pipeline]) as stage:
        stage.process._sweep.drain()
        await stage.process._sweep._look_around()
        await stage.process.worker.settled()
        assert stage.run(run_id).state is RunState.READY


async def test_the_lease_is_renewed(database_url: str) -> None:
    async with staged(database_url, []) as stage:
        before = stage.process._committer.renewed_at
        await stage.process._sweep._renew()
        assert stage.process._committer.renewed_at > before


async def test_a_lease_that_could_not_be_renewed_breaks_off_what_is_under_way_and_gives_it_back(
    database_url: str,
) -> None:
    pipeline, world = one_call(), World()
    gate = world.holds("Oslo")
    async with staged(database_url, [pipeline], world) as stage:
        run_id = await stage.start(pipeline, Trip())
        await gate.reached.wait()
        stage.process._committer._writer.renewed_at -= LEASE
        await stage.process._sweep._watch()
        await stage.process.worker.idle()
        assert world.broken_off == ["Oslo"]
        gate.opened.set()
        await stage.process._sweep._renew()
        await stage.process.worker.settled()
        assert stage.run(run_id).state is RunState.COMPLETED
    assert len(world.keys("Oslo")) == 1


async def test_a_lease_that_is_renewed_in_time_breaks_off_nothing(database_url: str) -> None:
    pipeline, world = one_call(), World()
    gate = world.holds("Oslo")
    async with staged(database_url, [pipeline], world) as stage:
        await stage.start(pipeline, Trip())
        await gate.reached.wait()
        await stage.process._sweep._watch()
        gate.opened.set()
        await stage.process.worker.settled()
    assert world.broken_off == []


@pytest.mark.parametrize("lease", [timedelta(0), timedelta(milliseconds=999)])
def test_a_lease_too_short_to_be_kept_is_refused(lease: timedelta) -> None:
    with pytest.raises(ValueError, match="at least a second"):
        Rhythm(lease=lease)


async def test_all_this_recurs_by_itself(database_url: str) -> None:
    pipeline, world = one_call(), World()
    async with staged(database_url, [pipeline], slots=0) as stage:
        run_id = await stage.start(pipeline, Trip())
    gate = world.holds("Oslo")
    rhythm = Rhythm(sweep=timedelta(milliseconds=10))
    async with staged(database_url, [pipeline], world, rhythm=rhythm) as stage:
        stage.process._sweep.start()
        await asyncio.wait_for(gate.reached.wait(), PATIENCE_SECONDS)
        gate.opened.set()
        await stage.process.worker.settled()
        assert stage.run(run_id).state is RunState.COMPLETED


async def test_who_stops_in_the_middle_of_a_look_has_let_go_of_the_database(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeping, "LAST_WORDS_SECONDS", PATIENCE_SECONDS)
    async with staged(database_url, []) as stage:
        sweep = stage.process._sweep
        looking = asyncio.create_task(sweep._look_around())
        await asyncio.sleep(0)
        looking.cancel()
        await sweep.stop()
        assert sweep._reading is not None
        assert sweep._reading.done()
