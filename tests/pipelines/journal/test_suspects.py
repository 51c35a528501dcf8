"""Who keeps killing its process is quarantined, and nobody else: the reaper's arithmetic, and who may take whom."""

import hashlib
from collections.abc import Callable
from uuid import UUID, uuid4

import pytest
from sqlalchemy import update
from sqlalchemy.sql import Executable

from pipelines import Ending, Pipeline, Priority, RunState, Transaction, start
from pipelines.events import Event, RunFinished
from pipelines.journal import claiming, reaping, suspects
from pipelines.journal.tables import runs
from pipelines.run import Run
from pipelines.testing import Rehearsal
from tests.builders.deaths_elsewhere import HOST, PID, died_with
from tests.builders.world import Trip, journal_row, note, noted, staged
from tests.harness.plans import OWNER, fill, plan_of

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def settled_trip() -> Pipeline[Trip]:
    pipeline = Pipeline("trip", Trip)

    @pipeline.step()
    def book(trip: Trip, tx: Transaction) -> None:
        note(tx, f"booked {trip.to}")

    @pipeline.at_end
    def settle(trip: Trip, ending: Ending, tx: Transaction) -> None:
        note(tx, f"{trip.to} is {ending.state}")

    return pipeline


async def begun(stage: Rehearsal, pipeline: Pipeline[Trip], count: int = 2) -> list[UUID]:
    """Runs that nobody has taken yet; the stage has no slots."""
    return await stage.write(lambda tx: [start(tx, pipeline, Trip(to=str(each))) for each in range(count)])


def crashed(run_ids: list[UUID], crashes: int) -> Callable[[Transaction], None]:
    """A transaction function: processes have died with these runs so often."""

    def age(tx: Transaction) -> None:
        tx.execute(update(runs).where(runs.c.id.in_(run_ids)).values(crashes=crashes))

    return age


async def claimed(stage: Rehearsal, pipeline: Pipeline[Trip], most: int = 100, shaken: int = 32) -> list[Run]:
    known = {(pipeline.name, pipeline.version): pipeline}
    return await stage.write(claiming.claim, known, most, shaken)


async def suspect(stage: Rehearsal, pipeline: Pipeline[Trip]) -> Run | None:
    return await stage.write(suspects.claim_one, {(pipeline.name, pipeline.version): pipeline})


async def test_a_death_in_company_counts_for_all_and_condemns_nobody(database_url: str) -> None:
    pipeline = settled_trip()
    async with staged(database_url, [], slots=0) as stage:
        run_ids = await begun(stage, pipeline)
        for _ in range(5):
            assert await died_with(stage, *run_ids) == reaping.Reaped(runs=2, processes=1)
        rows = [journal_row(stage, run_id) for run_id in run_ids]
    assert [(row.state, row.crashes, row.solo_deaths) for row in rows] == [(RunState.READY, 5, 0)] * 2


async def test_who_was_alone_is_blamed_alone(database_url: str) -> None:
    pipeline = settled_trip()
    async with staged(database_url, [], slots=0) as stage:
        poison, innocent = await begun(stage, pipeline)
        await died_with(stage, innocent, alone=poison)
        blamed, spared = journal_row(stage, poison), journal_row(stage, innocent)
    assert (blamed.crashes, blamed.solo_deaths, blamed.solo) == (1, 1, False)
    assert (spared.crashes, spared.solo_deaths, spared.owner) == (0, 0, None)


async def test_after_the_third_death_alone_a_run_is_quarantined_with_what_is_known(database_url: str) -> None:
    pipeline = settled_trip()
    async with staged(database_url, [], slots=0) as stage:
        poison, innocent = await begun(stage, pipeline)
        reaped = [await died_with(stage, innocent, alone=poison) for _ in range(3)]
        run = stage.run(poison)
        assert stage.run(innocent).state is RunState.READY
    assert [each.quarantined for each in reaped] == [0, 0, 1]
    assert (run.state, run.ending) == (RunState.QUARANTINED, RunState.QUARANTINED)
    assert run.reason is not None
    assert "step book killed 3 processes" in run.reason
    assert hashlib.sha256(run.payload.encode()).hexdigest()[:12] in run.reason
    assert f"pid {PID} on {HOST}" in run.reason


async def test_an_outage_condemns_nobody(database_url: str) -> None:
    pipeline = settled_trip()
    async with staged(database_url, [], slots=0) as stage:
        (run_id,) = await begun(stage, pipeline, 1)
        for _ in range(4):
            await died_with(stage, alone=run_id, count=False)
        row = journal_row(stage, run_id)
    assert (row.state, row.crashes, row.solo_deaths) == (RunState.READY, 0, 0)


async def test_the_record_of_a_quarantined_run_is_told_by_who_knows_it_and_nothing_is_undone(
    database_url: str,
) -> None:
    pipeline, events = settled_trip(), list[Event]()
    async with staged(database_url, [], slots=0) as stage:
        (run_id,) = await begun(stage, pipeline, 1)
        for _ in range(3):
            await died_with(stage, alone=run_id)
        assert journal_row(stage, run_id).finished_at is None
    async with staged(database_url, [pipeline], events=events) as stage:
        await stage.run_to_the_end()
        await stage.process.worker.settled()
        run = stage.run(run_id)
    assert (run.state, run.finished_at is None) == (RunState.QUARANTINED, False)
    assert noted(database_url) == ["0 is quarantined"]
    assert [each.outcome for each in events if isinstance(each, RunFinished)] == ["quarantined"]


async def test_a_run_whose_record_kills_too_is_left_untold_in_the_end(database_url: str) -> None:
    pipeline = settled_trip()
    async with staged(database_url, [], slots=0) as stage:
        (run_id,) = await begun(stage, pipeline, 1)
        for deaths in range(1, 7):
            await died_with(stage, alone=run_id)
            assert (journal_row(stage, run_id).finished_at is None) == (deaths < 6)
        run = stage.run(run_id)
        assert await suspect(stage, pipeline) is None
    assert run.state is RunState.QUARANTINED
    assert run.reason is not None
    assert run.reason.endswith("telling its record was given up, for that kills processes too")


async def test_an_end_that_fails_leaves_the_run_quarantined(database_url: str) -> None:
    pipeline = Pipeline("trip", Trip)

    @pipeline.step()
    def book(tx: Transaction) -> None: ...

    @pipeline.at_end
    def settle(ending: Ending, tx: Transaction) -> None:
        raise LookupError(ending.state)

    async with staged(database_url, [pipeline], slots=0) as stage:
        (run_id,) = await begun(stage, pipeline, 1)
        for _ in range(3):
            await died_with(stage, alone=run_id)
    async with staged(database_url, [pipeline]) as stage:
        stage.process.worker.look_for_suspects()
        await stage.process.worker.settled()
        run = stage.run(run_id)
    assert (run.state, run.finished_at is None) == (RunState.QUARANTINED, False)
    assert run.reason is not None
    assert "its end failed: LookupError: quarantined" in run.reason


async def test_a_quarantined_run_makes_room_in_its_line(database_url: str) -> None:
    pipeline = settled_trip()
    async with staged(database_url, [], slots=0) as stage:
        first, second = await stage.write(lambda tx: [start(tx, pipeline, Trip(), serial="ada") for _ in range(2)])
        for _ in range(2):
            await died_with(stage, alone=first)
        assert await claimed(stage, pipeline) == []
        await died_with(stage, alone=first)
        assert [run.id for run in await claimed(stage, pipeline)] == [second]
        untold = await suspect(stage, pipeline)
        assert untold is not None
        assert (untold.id, untold.state) == (first, RunState.QUARANTINED)


@SQLITE
async def test_an_attempt_row_clears_a_suspect(database_url: str) -> None:
    pipeline = settled_trip()
    async with staged(database_url, [pipeline], slots=0) as stage:
        (run_id,) = await begun(stage, pipeline, 1)
        for _ in range(2):
            await died_with(stage, alone=run_id)
    async with staged(database_url, [pipeline]) as stage:
        await stage.run_to_the_end()
        row = journal_row(stage, run_id)
    assert (row.state, row.crashes, row.solo_deaths, row.solo) == (RunState.COMPLETED, 0, 0, False)


async def test_of_those_that_crashed_once_only_so_many_are_taken_and_suspects_never(database_url: str) -> None:
    pipeline = settled_trip()
    async with staged(database_url, [], slots=0) as stage:
        run_ids = await begun(stage, pipeline, 10)
        await stage.write(crashed(run_ids[:5], 1))
        await stage.write(crashed(run_ids[5:7], 2))
        taken = await claimed(stage, pipeline, shaken=3)
        assert [run.id for run in await claimed(stage, pipeline, shaken=0)] == []
        assert [run.id for run in await claimed(stage, pipeline, shaken=1)] == [run_ids[3]]
    assert sorted(run.id for run in taken) == run_ids[:3] + run_ids[7:]


async def test_no_more_are_taken_than_were_asked_for(database_url: str) -> None:
    pipeline = settled_trip()
    async with staged(database_url, [], slots=0) as stage:
        await begun(stage, pipeline, 10)
        await stage.write(start, pipeline, Trip(), priority=Priority.HIGH)
        assert [len(await claimed(stage, pipeline, most=4, shaken=shaken)) for shaken in (1, 4, 32)] == [4, 4, 3]


async def test_suspects_are_taken_singly_the_oldest_first(database_url: str) -> None:
    pipeline = settled_trip()
    async with staged(database_url, [], slots=0) as stage:
        run_ids = await begun(stage, pipeline, 3)
        assert await suspect(stage, pipeline) is None
        await stage.write(crashed(run_ids, 2))
        taken = [await suspect(stage, pipeline) for _ in range(4)]
    assert [run and run.id for run in taken] == [*run_ids, None]
    assert {run.state for run in taken if run} == {RunState.RUNNING}


async def test_a_suspect_that_is_given_back_is_not_alone_any_more(database_url: str) -> None:
    pipeline = settled_trip()
    async with staged(database_url, [], slots=0) as stage:
        run_ids = await begun(stage, pipeline, 1)
        await stage.write(crashed(run_ids, 2))
        taken = await suspect(stage, pipeline)
        assert taken is not None
        await stage.write(suspects.set_solo, taken, is_solo=True)
        assert journal_row(stage, taken.id).solo
        await stage.write(claiming.give_back_one, taken)
        row = journal_row(stage, taken.id)
    assert (row.solo, row.crashes, row.owner) == (False, 2, None)


KNOWN = {"known": [("trip", "1")], "skew": 0.0}


@pytest.mark.parametrize(
    ("statement", "bound", "index"),
    [
        (suspects._CLAIM, KNOWN | {"me": uuid4()}, "ix_runs_suspects"),
        (suspects._IS_ANY_DUE, KNOWN, "ix_runs_suspects"),
        (suspects._ALONE, {"dead": [OWNER]}, "ix_runs_owner"),
    ],
    ids=["claim", "is any due", "alone"],
)
def test_suspects_are_found_by_their_index(
    database_url: str, statement: Executable, bound: dict[str, object], index: str
) -> None:
    engine = fill(database_url)
    assert index in plan_of(engine, statement, bound)
    engine.dispose()
