"""A release is compared with the open runs of a journal before it is deployed."""

from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel

from pipelines import Pipeline, ReadSession, Transaction
from pipelines.checking import Report, check
from pipelines.journal import surveying
from pipelines.testing import Rehearsal
from tests.builders.world import Trip, note, staged
from tests.harness.plans import fill, plan_of


def trip(*names: str, name: str = "trip", input_type: type[Any] = Trip) -> Pipeline[Any]:
    """A pipeline of transaction steps; the first gives a result."""
    pipeline = Pipeline(name, input_type)

    def first(tx: Transaction) -> int:
        note(tx, "first")
        return 4

    def later(tx: Transaction) -> None: ...

    for function, step in zip((first, *[later] * len(names)), names, strict=False):
        pipeline.step(name=step)(function)
    return pipeline


class Elsewhere(BaseModel):
    nearby: str


OLD = trip("book", "pay")


def read(stage: Rehearsal, pipelines: Iterable[Pipeline[Any]], *, most_read: int = 100) -> Report:
    with ReadSession(stage.process.readers) as session:
        return check(session, pipelines, most_read=most_read)


async def standing(database_url: str, pipelines: Iterable[Pipeline[Any]]) -> tuple[Report, list[UUID]]:
    """Three runs of the old code are open; what these pipelines are told of them."""
    async with staged(database_url, [OLD], slots=0) as stage:
        ids = [await stage.start(OLD, Trip()) for _ in range(3)]
        return read(stage, pipelines), ids


def upcasting(pipeline: Pipeline[Any], function: Callable[[Any], Any] | None = None, **upcast: Any) -> Pipeline[Any]:
    declare = pipeline.upcast(OLD.version, **upcast)
    if function is not None:
        declare(function)
    return pipeline


def fails(stored: Any) -> Any:
    raise ValueError(f"canary {stored}")


@pytest.mark.parametrize(
    ("code", "says"),
    [
        pytest.param([trip("book", "pay")], [], id="the same code"),
        pytest.param([upcasting(trip("reserve", "pay"), steps={"book": "reserve"})], [], id="a good upcast"),
        pytest.param(
            [trip("book", name="other")], ["3 runs of trip, which this code does not have."], id="no such pipeline"
        ),
        pytest.param(
            [trip("book")],
            [f"3 runs of trip version {OLD.version}, from which this code has no upcast."],
            id="no such version",
        ),
        pytest.param(
            [trip("reserve")],
            [f"3 runs of trip version {OLD.version} stand before step book, which no longer exists."],
            id="no such step",
        ),
        pytest.param(
            [upcasting(trip("reserve", "pay"))],
            [f"3 runs of trip version {OLD.version} stand before step book, which no longer exists."],
            id="an upcast that forgets a step",
        ),
    ],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_runs_that_could_not_be_carried_on_are_listed(
    database_url: str, code: list[Pipeline[Any]], says: list[str]
) -> None:
    report, _ = await standing(database_url, code)
    assert [str(trouble) for trouble in report.troubles] == says
    assert report.runs == 3


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (upcasting(trip("book", "pay", input_type=Elsewhere)), "ValidationError"),
        (upcasting(trip("book"), fails, gone={"pay": "book"}), "ValueError"),
    ],
)
async def test_inputs_that_cannot_be_read_are_named_without_what_is_in_them(
    database_url: str, code: Pipeline[Any], error: str
) -> None:
    report, ids = await standing(database_url, [code])
    [trouble] = report.troubles
    assert set(trouble.examples) == set(ids)
    assert str(trouble).startswith(f"3 runs of trip version {OLD.version}, of 3 tried, cannot be read ({error}): ")
    assert "canary" not in str(trouble)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_result_that_cannot_be_read_counts_too(database_url: str) -> None:
    code = upcasting(trip("book"), gone={"pay": "book"}, results={"book": fails})
    async with staged(database_url, [OLD], slots=0) as stage:
        await stage.start(OLD, Trip())
        await stage.write(book_first)
        assert [trouble.error for trouble in read(stage, [code]).troubles] == ["ValueError"]


def book_first(tx: Transaction) -> None:
    """An attempt of the run that there is."""
    columns = "run_id, generation, step, kind, number, outcome, result, started_at, finished_at"
    values = "id, 0, 'book', 'do', 1, 'success', '4', created_at, created_at"
    tx.connection().exec_driver_sql(f"INSERT INTO attempts ({columns}) SELECT {values} FROM runs")  # noqa: S608 - fixed


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_runs_that_have_ended_concern_nobody(database_url: str) -> None:
    async with staged(database_url, [OLD]) as stage:
        await stage.start(OLD, Trip())
        await stage.run_to_the_end()
        assert read(stage, []) == Report(0, ())


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_only_so_many_inputs_are_read(database_url: str) -> None:
    code = upcasting(trip("book"), fails, gone={"pay": "book"})
    async with staged(database_url, [OLD], slots=0) as stage:
        for _ in range(3):
            await stage.start(OLD, Trip())
        assert [(each.runs, each.read) for each in read(stage, [code], most_read=2).troubles] == [(2, 2)]


def test_a_long_history_is_not_read(database_url: str) -> None:
    engine = fill(database_url)
    plan = plan_of(engine, surveying._OPEN, {})
    engine.dispose()
    assert "ix_runs_claimable" in plan
    assert "ix_runs_owner" in plan
    assert "Seq Scan" not in plan
    assert "SCAN runs'" not in plan
