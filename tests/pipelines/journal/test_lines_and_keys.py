"""Who may begin, and when: one run per key, one after another in a line, by priority, and not before its time."""

import asyncio
import threading
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest

from pipelines import Pipeline, Priority, Reject, Retry, RunState, StepContext, Transaction, cancel, start
from pipelines.journal import claiming
from tests.builders.world import Trip, World, journal_row, staged

POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
ADA = {"serial": "ada"}


def one_call(retry: Retry | None = None) -> Pipeline[Trip]:
    pipeline = Pipeline("trip", Trip)

    @pipeline.step(retry=retry or Retry())
    async def go(trip: Trip, world: World, step: StepContext) -> None:
        await world.call(trip.to, step)

    return pipeline


def starts(tx: Transaction, pipeline: Pipeline[Trip], *options: dict[str, Any]) -> list[UUID]:
    return [start(tx, pipeline, Trip(to=str(place)), **each) for place, each in enumerate(options)]


def start_and_fail(tx: Transaction, pipeline: Pipeline[Trip]) -> None:
    start(tx, pipeline, Trip(), key="k")
    raise LookupError


async def test_one_key_is_one_run_in_a_batch_and_later_and_after_its_end(database_url: str) -> None:
    pipeline, other, world = one_call(), Pipeline("other", Trip), World()
    async with staged(database_url, [pipeline], world) as stage:
        first, again = await stage.write(starts, pipeline, {"key": "k"}, {"key": "k"})
        await stage.run_to_the_end()
        (later,) = await stage.write(starts, pipeline, {"key": "k"})
        assert {first, again, later} == {first}
        other.step()(lambda: None)
        assert await stage.write(starts, other, {"key": "k"}) != [first]
    assert world.heard == ["0"]


async def test_a_member_that_fails_leaves_no_key(database_url: str) -> None:
    pipeline = one_call()
    async with staged(database_url, [], slots=0) as stage:
        failed, kept = await asyncio.gather(
            stage.write(start_and_fail, pipeline), stage.write(starts, pipeline, {"key": "k"}), return_exceptions=True
        )
        assert isinstance(failed, LookupError)
        assert isinstance(kept, list)
        assert stage.run(kept[0]).key == "k"


@POSTGRESQL
@pytest.mark.parametrize("options", [{"key": "k"}, ADA], ids=["key", "line"])
async def test_two_processes_may_race(database_url: str, options: dict[str, Any]) -> None:
    pipeline, world = one_call(), World()
    async with staged(database_url, [pipeline], world) as one, staged(database_url, [pipeline], world) as two:
        stages = [one, two] * 10
        started = await asyncio.gather(*(stage.write(starts, pipeline, options) for stage in stages))
        run_ids = {run_id for (run_id,) in started}
        while not all(one.run(each).state.is_terminal for each in run_ids):  # the next in line is anybody's
            await asyncio.gather(one.run_until_waiting(), two.run_until_waiting())
        assert len(run_ids) == (1 if "key" in options else 20)
        spans = sorted(
            (one.run(each).attempts[0].started_at, one.run(each).attempts[0].finished_at) for each in run_ids
        )
    assert all(ended <= begun for (_, ended), (begun, _) in pairwise(spans))


@POSTGRESQL
async def test_who_finds_the_line_empty_but_comes_second_waits(database_url: str) -> None:
    pipeline, world = one_call(), World()
    first, second = world.holds("0"), world.holds("late")
    looked, go_on = threading.Event(), threading.Event()

    def start_slowly(tx: Transaction) -> UUID:
        run_id = start(tx, pipeline, Trip(to="late"), serial="ada")
        looked.set()
        go_on.wait(5)
        return run_id

    async with staged(database_url, [pipeline], world) as one, staged(database_url, [pipeline], world) as two:
        slow = asyncio.create_task(two.write(start_slowly))
        await asyncio.to_thread(looked.wait)
        await one.write(starts, pipeline, ADA)
        await first.reached.wait()
        go_on.set()
        run_id = await slow
        assert journal_row(one, run_id).state == RunState.READY
        second.opened.set()
        first.opened.set()
        while not one.run(run_id).state.is_terminal:  # the next in line is anybody's
            await asyncio.gather(one.run_until_waiting(), two.run_until_waiting())
        assert one.run(run_id).state is RunState.COMPLETED


async def test_a_place_is_never_given_twice(database_url: str) -> None:
    pipeline = one_call()
    async with staged(database_url, [pipeline]) as stage:
        run_ids = [*await stage.write(starts, pipeline, ADA), *await stage.write(starts, pipeline, ADA, ADA)]
        await stage.run_to_the_end()
        run_ids += await stage.write(starts, pipeline, ADA)
        assert [journal_row(stage, each).serial_place for each in run_ids] == [1, 2, 3, 4]


async def test_a_line_goes_one_by_one_and_holds_up_no_other(database_url: str) -> None:
    pipeline, world = one_call(), World()
    gate, other = world.holds("0"), world.holds("2")
    other.opened.set()
    async with staged(database_url, [pipeline], world) as stage:
        run_ids = await stage.write(starts, pipeline, ADA, ADA, {"serial": "bob"}, ADA)
        await gate.reached.wait()
        await other.reached.wait()
        assert not await stage.write(claiming.claim, stage.process.worker.known, 10)
        assert [journal_row(stage, run_ids[place]).state for place in (1, 3)] == [RunState.READY] * 2
        gate.opened.set()
        await stage.process.worker.settled()  # each is woken by the end of the one before it
        assert {stage.run(each).state for each in run_ids} == {RunState.COMPLETED}
    assert [what for what in world.heard if what != "2"] == ["0", "1", "3"]


async def test_a_line_moves_up_whatever_the_ending(database_url: str) -> None:
    pipeline, world = one_call(), World()
    world.fails("0", Reject("no"))
    world.fails("1", ValueError("broken"))
    async with staged(database_url, [pipeline], world) as stage:
        run_ids = await stage.write(starts, pipeline, ADA, ADA, ADA)
        await stage.process.worker.settled()
        states = [stage.run(each).state for each in run_ids]
    assert states == [RunState.REJECTED, RunState.FAILED, RunState.COMPLETED]


async def test_a_line_waits_for_who_is_to_be_tried_again(database_url: str) -> None:
    pipeline, world = one_call(Retry(on=(OSError,))), World()
    world.fails("0", OSError("down"))
    async with staged(database_url, [pipeline], world, dice=lambda *_: timedelta(hours=1)) as stage:
        run_ids = await stage.write(starts, pipeline, ADA, ADA)
        await stage.run_until_waiting()
        assert [stage.run(each).state for each in run_ids] == [RunState.WAITING, RunState.READY]
        await stage.run_to_the_end()
    assert world.heard == ["0", "0", "1"]


async def test_a_line_moves_up_when_its_first_is_cancelled_before_it_began(database_url: str) -> None:
    pipeline, world = one_call(), World()
    async with staged(database_url, [pipeline], world) as stage:
        later = {"due_at": stage.clock.now() + timedelta(hours=1)}
        first, second = await stage.write(starts, pipeline, ADA | later, ADA)
        await stage.run_until_waiting()
        assert world.heard == []
        await stage.write(partial(cancel, reason="too late"), first)
        await stage.run_until_waiting()
        assert [stage.run(each).state for each in (first, second)] == [RunState.CANCELLED, RunState.COMPLETED]


@POSTGRESQL
async def test_the_next_in_line_may_go_on_elsewhere(database_url: str) -> None:
    pipeline, world = one_call(), World()
    gate = world.holds("0")
    async with (
        staged(database_url, [pipeline], world) as two,
        staged(database_url, [pipeline], world, slots=1) as one,
    ):
        first, second = await one.write(starts, pipeline, ADA, ADA)
        await gate.reached.wait()
        two.process.worker.look()
        await two.process.worker.settled()
        assert world.heard == ["0"]
        one.process.begin_to_drain()
        gate.opened.set()
        await one.process.worker.idle()
        assert journal_row(two, second).owner is None
        await two.run_to_the_end()
        assert [two.run(each).state for each in (first, second)] == [RunState.COMPLETED] * 2


async def test_priority_goes_before_age_and_age_within_it(database_url: str) -> None:
    pipeline, world = one_call(), World()
    ranks = [{"priority": each} for each in (Priority.LOW, Priority.NORMAL, Priority.HIGH, Priority.NORMAL)]
    async with staged(database_url, [], slots=0) as stage:
        await stage.write(starts, pipeline, *ranks)
    async with staged(database_url, [pipeline], world, slots=1) as stage:
        await stage.run_to_the_end()
    assert world.heard == ["2", "1", "3", "0"]


async def test_a_run_waits_for_its_time(database_url: str) -> None:
    pipeline, world = one_call(), World()
    async with staged(database_url, [pipeline], world) as stage:
        due = stage.clock.now() + timedelta(hours=1)
        (run_id,) = await stage.write(starts, pipeline, {"due_at": due})
        await stage.run_until_waiting()
        assert (stage.run(run_id).state, stage.run(run_id).due_at) == (RunState.WAITING, due)
        await stage.advance(timedelta(hours=1, seconds=1))
        assert stage.run(run_id).state is RunState.COMPLETED


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "options",
    [
        {"key": ""},
        {"key": "k" * 256},
        {"key": "a\x00b"},
        {"serial": ""},
        {"serial": "s" * 256},
        {"serial": "\ud800"},
        {"due_at": datetime.now(UTC).replace(tzinfo=None)},
    ],
    ids=["no key", "long key", "NUL", "no line", "long line", "half a character", "no zone"],
)
async def test_what_cannot_be_stored_is_refused_before_it_breaks_a_batch(
    database_url: str, options: dict[str, Any]
) -> None:
    async with staged(database_url, [], slots=0) as stage:
        with pytest.raises(ValueError, match=r"has 1 to 255 characters|needs a time zone"):
            await stage.write(partial(start, **options), one_call(), Trip())
