"""Why a run is where it is: one sentence, which names what blocks it."""

import re
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import update
from tenacity import wait_fixed

from pipelines import (
    Cause,
    Destination,
    Pipeline,
    Priority,
    ReadSession,
    Reject,
    Retry,
    RunState,
    StepContext,
    UnknownRun,
    pause,
    start,
)
from pipelines.journal.tables import processes, runs
from pipelines.testing import Rehearsal, VirtualClock
from pipelines.worker import rooms
from tests.builders.desk import from_outside
from tests.builders.journey import DOWN, failed, journey
from tests.builders.world import Trip, World, staged


def paid(
    world: World, *errors: Exception, pause_seconds: float = 3600, to: Destination | None = None
) -> Pipeline[Trip]:
    """One call that waits for an hour before it is tried again."""
    pipeline = Pipeline("trip", Trip)
    world.fails("pay", *errors)

    @pipeline.step(retry=Retry(on=(OSError,), attempts=8, wait=wait_fixed(pause_seconds)), to=to)
    async def pay(world: World, step: StepContext) -> None:
        await world.call("pay", step)

    return pipeline


def why(stage: Rehearsal, run_id: UUID) -> Cause:
    with ReadSession(stage.process.readers) as session:
        cause = stage.process.steering.why(session, run_id)
    return Cause(cause.code, re.sub(r"\d\d:\d\d:\d\d", "00:00:00", cause.sentence))


def changed(database_url: str, **values: Any) -> None:
    from_outside(database_url, lambda connection: connection.execute(update(runs).values(**values)))


async def test_a_run_that_waits_for_another_attempt(database_url: str) -> None:
    world = World()
    async with staged(database_url, [pipeline := paid(world, OSError("busy"))], world) as stage:
        run_id = await stage.start(pipeline, Trip())
        await stage.process.worker.settled()
        cause = why(stage, run_id)
    assert cause.code == "waiting"
    assert re.sub(r"\d{4}-\d\d-\d\d ", "", cause.sentence) == (
        "waits until 00:00:00 UTC for attempt 2 of 8 at pay (OSError: busy)"
    )


async def test_a_retry_for_which_there_is_no_token(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rooms, "SHORTEST_ASIDE_SECONDS", 3600.0)
    world, bank = World(), Destination("bank", concurrency=1, retries_per_second=0.001)
    pipeline = paid(world, *[OSError("busy")] * 8, pause_seconds=0, to=bank)
    async with staged(database_url, [pipeline], world) as stage:
        run_id = await stage.start(pipeline, Trip())
        for _ in range(3):
            await stage.process.worker.settled()
            stage.clock.advance(timedelta(milliseconds=100))
            stage.process.worker.look()
        await stage.process.worker.settled()
        cause = why(stage, run_id)
    assert cause.code == "no-room"
    assert re.sub(r"\d{4}-\d\d-\d\d ", "", cause.sentence) == (
        "waits until 00:00:00 UTC for room at bank, to make attempt 3 of 8 at pay (OSError: busy)"
    )


@pytest.mark.parametrize(
    ("tries", "later", "code"),
    [(1, 0, "no-room"), (1, 60, "not-yet"), (0, 0, "not-yet")],
    ids=["it has moved without an attempt", "but was then retried for later", "it has not moved"],
)
async def test_room_is_only_what_its_last_move_was_about(database_url: str, tries: int, later: int, code: str) -> None:
    async with staged(database_url, [pipeline := paid(World(), to=Destination("bank"))]) as stage:
        stage.process._slots.close()
        run_id = await stage.start(pipeline, Trip())
        since, due = stage.run(run_id).created_at + timedelta(seconds=later), stage.clock.now() + timedelta(hours=1)
        changed(database_url, state=RunState.WAITING, tries=tries, step_since=since, due_at=due)
        assert why(stage, run_id).code == code


async def test_a_run_that_is_owned(database_url: str) -> None:
    world = World()
    gate = world.holds("pay")
    async with staged(database_url, [pipeline := paid(world)], world) as stage:
        run_id = await stage.start(pipeline, Trip())
        await gate.reached.wait()
        cause = why(stage, run_id)
        assert cause.code == "owned"
        assert re.fullmatch(
            rf"at pay since 00:00:00 UTC, owned by process {stage.process.process_id} on \S+ \(pid \d+\), "
            r"last heartbeat \d s ago",
            cause.sentence,
        )
        from_outside(database_url, lambda connection: connection.execute(late()))
        assert why(stage, run_id).code == "owner-late"
        gate.opened.set()


def late() -> Any:
    return update(processes).values(lease_until=VirtualClock().now() - timedelta(seconds=9))


async def test_a_run_that_is_cancelled_while_a_call_is_under_way(database_url: str) -> None:
    world = World()
    gate = world.holds("pay")
    async with staged(database_url, [pipeline := paid(world)], world) as stage:
        run_id = await stage.start(pipeline, Trip())
        await gate.reached.wait()
        changed(database_url, ending="cancelled", reason="not needed")
        assert why(stage, run_id).sentence.startswith("to be cancelled (not needed) as soon as pay lets it, since")
        gate.opened.set()


async def test_a_paused_pipeline(database_url: str) -> None:
    async with staged(database_url, [pipeline := paid(World())]) as stage:
        await stage.write(pause, "trip", actor="ops", reason="the bank is down")
        run_id = await stage.start(pipeline, Trip())
        cause = why(stage, run_id)
    assert cause == Cause("paused", "trip is paused by ops since 00:00:00 UTC because the bank is down")


async def test_a_version_that_no_live_process_knows(database_url: str) -> None:
    async with staged(database_url, [pipeline := paid(World())], slots=0) as stage:
        run_id = await stage.start(pipeline, Trip())
        cause = why(stage, run_id)
    assert cause == Cause("unknown-version", f"no live process knows version {pipeline.version} of trip")


async def test_a_run_that_stands_in_line(database_url: str) -> None:
    world = World()
    gate = world.holds("pay")
    async with staged(database_url, [pipeline := paid(world)], world) as stage:
        *_, last = [await stage.write(start, pipeline, Trip(), serial="ada") for _ in range(3)]
        cause = why(stage, last)
        gate.opened.set()
    assert cause == Cause("in-line", "stands behind 2 others in line ada")


@pytest.mark.parametrize(
    ("crashes", "seconds", "code"), [(1, 30, "crashed"), (2, -30, "suspect"), (0, 3600, "not-yet"), (0, -30, "ready")]
)
async def test_a_run_that_nobody_has_taken(database_url: str, crashes: int, seconds: int, code: str) -> None:
    async with staged(database_url, [pipeline := paid(World())]) as stage:
        stage.process._slots.close()
        run_id = await stage.start(pipeline, Trip())
        changed(database_url, crashes=crashes, due_at=stage.clock.now() + timedelta(seconds=seconds))
        assert why(stage, run_id).code == code


async def test_a_run_behind_others(database_url: str) -> None:
    async with staged(database_url, [pipeline := paid(World())]) as stage:
        stage.process._slots.close()
        ahead = [Priority.HIGH, Priority.NORMAL]
        for priority in ahead:
            await stage.write(start, pipeline, Trip(), priority=priority)
        stage.clock.advance(timedelta(seconds=1))
        run_id = await stage.start(pipeline, Trip())
        await stage.write(start, pipeline, Trip(), priority=Priority.LOW)
        stage.clock.advance(timedelta(seconds=1))
        cause = why(stage, run_id)
    assert cause.code == "queued"
    assert cause.sentence.endswith("behind 2 runs of higher priority or earlier due")


async def test_an_end(database_url: str) -> None:
    world = World()
    async with staged(database_url, [pipeline := paid(world, Reject("too far"))], world) as stage:
        rejected = await stage.start(pipeline, Trip())
        await stage.run_to_the_end()
        completed = await stage.start(pipeline, Trip())
        await stage.run_to_the_end()
        ends = {
            code: re.sub(r"\d{4}-\d\d-\d\d ", "", sentence)
            for code, sentence in map(pair, [why(stage, rejected), why(stage, completed)])
        }
    assert ends == {
        "rejected": "rejected at pay at 00:00:00 UTC: too far",
        "completed": "completed at 00:00:00 UTC",
    }


async def test_a_run_that_was_undone_has_ended_where_it_failed(database_url: str) -> None:
    world = World()
    world.fails("tell", Reject("nobody listens"))
    async with failed(database_url, journey(), world) as (stage, run_id):
        cause = why(stage, run_id)
        assert stage.run(run_id).step == "book"
    assert re.sub(r"\d{4}-\d\d-\d\d ", "", cause.sentence) == "rejected at tell at 00:00:00 UTC: nobody listens"


def pair(cause: Cause) -> tuple[str, str]:
    return cause.code, cause.sentence


async def test_an_undo_that_was_given_up(database_url: str) -> None:
    pipeline, world = journey(), World()
    world.fails("tell", Reject("full"))
    world.fails("refund", *DOWN)
    async with staged(database_url, [pipeline], world) as stage:
        run_id = await stage.start(pipeline, Trip())
        await stage.run_to_the_end()
        cause = why(stage, run_id)
    assert cause.code == "failed"
    assert "full; undoing pay was given up: OSError: down; retry_undo" in cause.sentence


async def test_a_run_that_does_not_exist(database_url: str) -> None:
    async with staged(database_url, []) as stage:
        with pytest.raises(UnknownRun):
            why(stage, uuid4())
