"""A run begins in its caller's transaction: with all that it writes, or not at all."""

from functools import partial
from uuid import UUID

import pytest
from sqlalchemy import func, select

from pipelines import Pipeline, ReadSession, RunState, Transaction, cancel, start
from pipelines.journal.tables import runs
from pipelines.testing import Rehearsal
from tests.builders.desk import make_tables, open_desk
from tests.builders.world import Trip, note, noted, staged


def noting_where() -> Pipeline[Trip]:
    pipeline = Pipeline("trip", Trip)

    @pipeline.step()
    def go(trip: Trip, tx: Transaction) -> None:
        note(tx, f"went to {trip.to}")

    return pipeline


def how_many(stage: Rehearsal) -> int:
    with ReadSession(stage.process.readers) as session:
        return int(session.execute(select(func.count()).select_from(runs)).scalar_one())


def accept(tx: Transaction, pipeline: Pipeline[Trip], to: str) -> UUID:
    note(tx, f"accepted {to}")
    return start(tx, pipeline, Trip(to=to))


def accept_and_fail(tx: Transaction, pipeline: Pipeline[Trip], to: str) -> None:
    accept(tx, pipeline, to)
    raise LookupError(to)


async def test_a_run_is_there_with_what_its_caller_wrote(database_url: str) -> None:
    pipeline = noting_where()
    async with staged(database_url, [pipeline]) as stage:
        run_id = await stage.write(accept, pipeline, "Oslo")
        await stage.run_to_the_end()
        assert stage.run(run_id).state is RunState.COMPLETED
    assert noted(database_url) == ["accepted Oslo", "went to Oslo"]


async def test_a_caller_that_fails_has_started_nothing(database_url: str) -> None:
    pipeline = noting_where()
    async with staged(database_url, [pipeline]) as stage:
        with pytest.raises(LookupError):
            await stage.write(accept_and_fail, pipeline, "Oslo")
        await stage.process.worker.settled()
        assert how_many(stage) == 0
    assert noted(database_url) == []


async def test_one_transaction_may_start_many(database_url: str) -> None:
    pipeline = noting_where()
    async with staged(database_url, [pipeline]) as stage:
        started = await stage.write(lambda tx: [start(tx, pipeline, Trip(to=str(each))) for each in range(3)])
        await stage.run_to_the_end()
        assert {stage.run(run_id).state for run_id in started} == {RunState.COMPLETED}
    assert sorted(started) == started
    assert sorted(noted(database_url)) == ["went to 0", "went to 1", "went to 2"]


async def test_starts_and_cancellations_of_a_line_share_their_batches(database_url: str) -> None:
    make_tables(database_url)
    async with open_desk(database_url, slots=0) as desk:  # else a claim comes between
        starting = partial(start, pipeline=noting_where(), payload=Trip(), serial="ada")
        run_ids = await desk.in_one_batch(starting, starting)
        assert desk.batches == [2]
        await desk.in_one_batch(*(partial(cancel, run_id=run_id, reason="not needed") for run_id in run_ids))
        assert desk.batches == [2]


async def test_what_this_process_does_not_know_is_started_for_one_that_does(database_url: str) -> None:
    pipeline = noting_where()
    async with staged(database_url, []) as stage:
        run_id = await stage.write(accept, pipeline, "Oslo")
        await stage.run_until_waiting()
        assert stage.run(run_id).state is RunState.READY
    async with staged(database_url, [pipeline]) as stage:
        await stage.run_to_the_end()
        assert stage.run(run_id).state is RunState.COMPLETED
