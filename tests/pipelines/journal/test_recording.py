"""Progress is written only by who owns the run now, and a cancellation in between is not overlooked."""

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import timedelta
from functools import partial
from uuid import uuid4

import pytest
from sqlalchemy import update

from pipelines import AttemptOutcome, Fenced, Pipeline, RunState, StepContext, Transaction
from pipelines.journal import recording
from pipelines.journal.tables import runs
from pipelines.run import Attempt, Direction, Run
from pipelines.testing import Rehearsal
from tests.builders.world import Trip, World, hot_updates, journal_row, staged

Write = Callable[[Transaction, Run], None]

put_off_a_while = partial(recording.put_off, delay=timedelta(seconds=1))
WRITES: dict[str, Write] = {
    "advance": recording.advance,
    "complete": recording.complete,
    "turn back": recording.turn_back,
    "end": recording.end,
    "put off": put_off_a_while,
    "give up": recording.give_up,
}


def waiting_trip() -> Pipeline[Trip]:
    pipeline = Pipeline("trip", Trip)

    @pipeline.step()
    async def pay(world: World, step: StepContext) -> None:
        await world.call("pay", step)

    return pipeline


async def held(stage: Rehearsal, world: World, pipeline: Pipeline[Trip]) -> Run:
    """A run that its owner is at."""
    gate = world.holds("pay")
    run_id = await stage.start(pipeline, Trip())
    await gate.reached.wait()
    row = journal_row(stage, run_id)
    return Run(**{field.name: getattr(row, field.name) for field in fields(Run) if field.name in row._fields})


def with_attempt(tx: Transaction, write: Write, run: Run) -> None:
    now = tx.home.clock.now()
    attempt = Attempt(
        step=run.step,
        direction=Direction.DO,
        number=1,
        place=1,
        outcome=AttemptOutcome.SUCCESS,
        started_at=now,
        finished_at=now,
    )
    recording.save_attempt(tx, run, attempt)
    write(tx, run)


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
@pytest.mark.parametrize("somebody", ["an older fence", "another owner"])
async def test_who_does_not_own_the_run_writes_nothing(database_url: str, write: Write, somebody: str) -> None:
    pipeline, world = waiting_trip(), World()
    async with staged(database_url, [pipeline], world) as stage:
        run = await held(stage, world, pipeline)
        theirs = {"fence": run.fence + 1} if somebody == "an older fence" else {"owner": uuid4()}
        await stage.write(lambda tx: tx.execute(update(runs).values(theirs)) and None)
        before = journal_row(stage, run.id)
        with pytest.raises(Fenced):
            await stage.write(with_attempt, write, replace(run, state=RunState.FAILED, ending=RunState.FAILED))
        assert journal_row(stage, run.id) == before
        assert stage.run(run.id).attempts == ()


@pytest.mark.parametrize(
    ("name", "state", "is_refused"),
    [
        ("advance", RunState.RUNNING, True),
        ("complete", RunState.COMPLETED, True),
        ("put off", RunState.WAITING, True),
        ("turn back", RunState.FAILED, True),
        ("turn back", RunState.CANCELLED, False),
        ("end", RunState.FAILED, True),
        ("end", RunState.CANCELLED, False),
        ("give up", RunState.FAILED, False),
    ],
)
async def test_a_cancelled_run_moves_only_to_where_its_cancellation_wants_it(
    database_url: str, name: str, state: RunState, *, is_refused: bool
) -> None:
    pipeline, world = waiting_trip(), World()
    async with staged(database_url, [pipeline], world) as stage:
        run = await held(stage, world, pipeline)
        await stage.write(lambda tx: tx.execute(update(runs).values(ending=RunState.CANCELLED)) and None)
        refused = False
        try:
            await stage.write(with_attempt, WRITES[name], replace(run, state=state, ending=state))
        except Fenced:
            refused = True
        assert refused is is_refused
        assert len(stage.run(run.id).attempts) == (0 if is_refused else 1)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_step_forward_touches_no_index(database_url: str) -> None:
    pipeline, world = waiting_trip(), World()
    async with staged(database_url, [pipeline], world) as stage:
        run = await held(stage, world, pipeline)
        for _ in range(5):
            await stage.write(recording.advance, run)
    assert await hot_updates(database_url, of=6) == 5  # in the end it is given back
