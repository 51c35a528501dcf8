"""Many runs are retried or cancelled by a filter: in slices, at a pace, and again after a crash."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from pipelines import (
    Pipeline,
    ReadSession,
    RunFilter,
    RunState,
    StateConflict,
    Transaction,
    latest_interventions,
)
from pipelines.journal import filtering
from pipelines.testing import Rehearsal
from tests.builders.journey import DOWN, journey
from tests.builders.world import Trip, World, journal_row, staged


async def several(stage: Rehearsal, pipeline: Pipeline[Trip], count: int) -> list[UUID]:
    """So many runs, each to its end."""
    run_ids = [await stage.start(pipeline, Trip()) for _ in range(count)]
    await stage.run_to_the_end()
    return run_ids


def states(stage: Rehearsal, run_ids: list[UUID]) -> list[RunState]:
    return [stage.run(run_id).state for run_id in run_ids]


async def test_all_that_match_are_retried_in_slices(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filtering, "SLICE", 2)
    pipeline, world = journey(), World()
    world.fails("tell", *DOWN * 5)
    async with staged(database_url, [pipeline], world) as stage:
        run_ids = await several(stage, pipeline, 5)
        done = await stage.process.steering.many.retry_all(RunFilter(pipeline="trip"), actor="ops", reason="mail is up")
        await stage.run_to_the_end()
        assert (done.done, done.left) == (5, 0)
        assert states(stage, run_ids) == [RunState.COMPLETED] * 5
        with ReadSession(stage.process.readers) as session:
            [row] = latest_interventions(session, 10)
    assert (row.actor, row.action, row.pipeline) == ("ops", "retry_all", "trip")
    assert row.details == {"filter": {"pipeline": "trip"}, "reason": "mail is up", "done": 5, "left": 0}


async def test_what_cannot_be_retried_is_counted_and_left(database_url: str) -> None:
    pipeline, world = journey(), World()
    world.fails("tell", *DOWN * 2)
    world.fails("refund", *DOWN)
    async with staged(database_url, [pipeline], world) as stage:
        half_undone = await several(stage, pipeline, 1)
        undone = await several(stage, pipeline, 1)
        done = await stage.process.steering.many.retry_all(RunFilter(), actor="ops")
        await stage.run_to_the_end()
        assert (done.done, done.left) == (1, 1)
        assert states(stage, half_undone + undone) == [RunState.FAILED, RunState.COMPLETED]


async def test_a_pace_is_kept_by_due_dates(database_url: str) -> None:
    pipeline, world = journey(), World()
    world.fails("tell", *DOWN * 3)
    async with staged(database_url, [pipeline], world) as stage:
        run_ids = await several(stage, pipeline, 3)
        now = stage.clock.now()
        await stage.process.steering.many.retry_all(RunFilter(), actor="ops", pace_per_second=0.01)
        due = [(journal_row(stage, run_id).due_at - now).total_seconds() for run_id in run_ids]
    assert [round(each, -1) for each in due] == [0, 100, 200]


async def test_a_limit_is_kept_and_the_next_call_goes_on(database_url: str) -> None:
    pipeline, world = journey(), World()
    world.fails("tell", *DOWN * 3)
    async with staged(database_url, [pipeline], world) as stage:
        many = stage.process.steering.many
        run_ids = await several(stage, pipeline, 3)
        first = await many.retry_all(RunFilter(), actor="ops", limit=2, pace_per_second=0.001)
        second = await many.retry_all(RunFilter(), actor="ops", pace_per_second=0.001)
        await stage.run_to_the_end()
        assert (first.done, second.done) == (2, 1)
        assert states(stage, run_ids) == [RunState.COMPLETED] * 3


async def test_a_preview_counts_and_writes_nothing(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filtering, "MOST_COUNTED", 2)
    pipeline, world = journey(), World()
    world.fails("tell", *DOWN * 3)
    async with staged(database_url, [pipeline], world) as stage:
        run_ids = await several(stage, pipeline, 3)
        with ReadSession(stage.process.readers) as session:
            seen = stage.process.steering.many.preview_retry(session, RunFilter(error="OSError"))
            assert not latest_interventions(session, 1)
        assert (seen.count_in_words, [each.id for each in seen.sample]) == ("2+", run_ids)
        assert states(stage, run_ids) == [RunState.FAILED] * 3


async def test_each_condition_of_a_filter_can_exclude(database_url: str) -> None:
    pipeline, world = journey(), World()
    world.fails("tell", OSError("down"), OSError("at 100 of it"))
    async with staged(database_url, [pipeline], world) as stage:
        await several(stage, pipeline, 1)
        now = stage.clock.now()
        nobody = [
            RunFilter(pipeline="other"),
            RunFilter(states={RunState.QUARANTINED, RunState.COMPLETED}),
            RunFilter(step="pay"),
            RunFilter(version="1"),
            RunFilter(error="100%"),
            RunFilter(created_after=now),
            RunFilter(created_before=now - timedelta(days=1)),
        ]
        with ReadSession(stage.process.readers) as session:
            many = stage.process.steering.many
            assert many.preview_retry(session, RunFilter(error="100 of", step="book", created_before=now)).count == 1
            assert [many.preview_retry(session, each).count for each in nobody] == [0] * len(nobody)


async def test_a_crash_in_the_middle_is_made_up_for_by_the_same_call(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filtering, "SLICE", 1)
    pipeline, world = journey(), World()
    world.fails("tell", *DOWN * 3)
    async with staged(database_url, [pipeline], world) as stage:
        run_ids = await several(stage, pipeline, 3)
        steering, calls = stage.process.steering, 0
        set_forward = steering.many._set_forward

        def dies(tx: Transaction, *args: Any, **kwargs: Any) -> None:
            nonlocal calls
            calls += 1
            if calls == 2:
                raise RuntimeError("killed")
            set_forward(tx, *args, **kwargs)

        steering.many._set_forward = dies
        with pytest.raises(RuntimeError, match="killed"):
            await steering.many.retry_all(RunFilter(), actor="ops", pace_per_second=0.001)
        again = await steering.many.retry_all(RunFilter(), actor="ops", pace_per_second=0.001)
        await stage.run_to_the_end()
        assert again.done == 2
        assert states(stage, run_ids) == [RunState.COMPLETED] * 3
        with ReadSession(stage.process.readers) as session:
            assert [row.details["done"] for row in latest_interventions(session, 10)] == [2, 1]


async def test_a_slice_in_which_somebody_else_moved_a_run_is_looked_at_again(database_url: str) -> None:
    pipeline, world = journey(), World()
    world.fails("tell", *DOWN * 2)
    async with staged(database_url, [pipeline], world) as stage:
        run_ids = await several(stage, pipeline, 2)
        steering = stage.process.steering
        set_forward, calls = steering.many._set_forward, 0

        def conflicts(tx: Transaction, *args: Any, **kwargs: Any) -> None:
            nonlocal calls
            calls += 1
            set_forward(tx, *args, **kwargs)
            if calls == 1:  # the same row once more: the second one is not met when the slice is sent
                set_forward(tx, *args, **kwargs)

        steering.many._set_forward = conflicts
        done = await steering.many.retry_all(RunFilter(), actor="ops")
        await stage.run_to_the_end()
        assert (done.done, done.left) == (2, 0)
        assert states(stage, run_ids) == [RunState.COMPLETED] * 2


async def test_all_open_runs_that_match_are_cancelled(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filtering, "SLICE", 2)
    pipeline, world = journey(), World()
    gate = world.holds("pay")
    async with staged(database_url, [pipeline], world, slots=1) as stage:
        ended = await several_done(stage, pipeline, gate.opened.set, gate.opened.clear)
        run_ids = [await stage.start(pipeline, Trip()) for _ in range(3)]
        await gate.reached.wait()
        many = stage.process.steering.many
        with ReadSession(stage.process.readers) as session:
            assert many.preview_cancel(session, RunFilter(pipeline="trip")).count == 3
        done = await many.cancel_all(RunFilter(pipeline="trip"), actor="ops", reason="withdrawn")
        await stage.run_to_the_end()
        assert done.done == 3
        assert states(stage, run_ids) == [RunState.CANCELLED] * 3
        assert states(stage, ended) == [RunState.COMPLETED]


async def several_done(stage: Rehearsal, pipeline: Pipeline[Trip], before: Any, after: Any) -> list[UUID]:
    before()
    run_ids = await several(stage, pipeline, 1)
    after()
    return run_ids


async def test_a_conflict_that_does_not_end_is_told(database_url: str) -> None:
    pipeline, world = journey(), World()
    world.fails("tell", *DOWN)
    async with staged(database_url, [pipeline], world) as stage:
        await several(stage, pipeline, 1)
        steering = stage.process.steering
        set_forward = steering.many._set_forward

        def conflicts(tx: Transaction, *args: Any, **kwargs: Any) -> None:
            set_forward(tx, *args, **kwargs)
            set_forward(tx, *args, **kwargs)

        steering.many._set_forward = conflicts
        with pytest.raises(StateConflict):
            await steering.many.retry_all(RunFilter(), actor="ops")
