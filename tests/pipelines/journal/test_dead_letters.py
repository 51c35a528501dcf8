"""Dead letters are counted in full and read in part, and neither reads history."""

from collections.abc import Mapping
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import Engine, text

from pipelines import ReadSession, RunState
from pipelines.journal import dead_letters as module
from pipelines.journal import open_for_writing
from pipelines.journal.dead_letters import DeadLetters, dead_letters
from pipelines.testing import create_tables
from tests.builders.journey import DOWN, journey
from tests.builders.world import Trip, World, staged
from tests.harness.plans import plan_of

HISTORY = 20_000
# Of a hundred runs one has failed; one pipeline has had many quarantined, and another a single one.
FILL = """
INSERT INTO runs (id, pipeline, version, state, step, fence, due_at, generation, attempt, errors, crashes, solo,
                  solo_deaths, payload, created_at, step_since, finished_at, reason)
WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {count})
SELECT {id}, CASE WHEN n = 150 THEN 'rare' ELSE 'trip' END, '1',
       CASE WHEN n = 150 OR mod(n, 400) = 50 THEN 'quarantined' WHEN mod(n, 100) = 0 THEN 'failed' ELSE 'completed' END,
       'go', 0, {now}, 0, 0, 0, 0, false, 0, '{{}}', {now}, {now}, {now}, 'OSError: ' || n
  FROM numbers
"""
IDS = {"sqlite": "printf('%032x', n)", "postgresql": "CAST(lpad(to_hex(n), 32, '0') AS uuid)"}
NOW = {"sqlite": "'2026-01-01'", "postgresql": "now()"}
FAILED, QUARANTINED = RunState.FAILED, RunState.QUARANTINED
COUNTS: Mapping[tuple[str, RunState], int] = {
    ("trip", FAILED): 200,
    ("trip", QUARANTINED): 50,
    ("rare", QUARANTINED): 1,
}


def filled(database_url: str) -> Engine:
    create_tables(database_url)
    engine = open_for_writing(database_url)
    name = engine.dialect.name
    with engine.begin() as connection:
        connection.execute(text(FILL.format(count=HISTORY, id=IDS[name], now=NOW[name])))
        connection.exec_driver_sql("ANALYZE")
    return engine


def read(engine: Engine, *, most: int) -> DeadLetters:
    with ReadSession(engine) as session:
        return dead_letters(session, most=most)


async def test_a_run_that_failed_is_told_with_its_reason(database_url: str) -> None:
    world = World()
    async with staged(database_url, [journey()], world) as stage:
        pipeline = stage.process.wired[next(iter(stage.process.wired))].pipeline
        await stage.start(pipeline, Trip())
        await stage.run_to_the_end()
        world.fails("tell", *DOWN)
        run_id = await stage.start(pipeline, Trip())
        await stage.run_to_the_end()
        with ReadSession(stage.process.readers) as session:
            found = dead_letters(session)
    [letter] = found.read
    assert (letter.id, letter.state, letter.reason) == (run_id, FAILED, "OSError: down")
    assert (found.total, found.is_whole) == (1, True)


def test_all_are_counted_and_of_each_kind_the_newest_are_read(database_url: str) -> None:
    engine = filled(database_url)
    found = read(engine, most=60)
    engine.dispose()
    assert (found.counts, found.total, found.is_whole) == (COUNTS, 251, False)
    kinds = [(letter.pipeline, letter.state) for letter in found.read]
    assert {kind: kinds.count(kind) for kind in COUNTS} == {
        ("rare", QUARANTINED): 1,
        ("trip", QUARANTINED): 29,
        ("trip", FAILED): 30,
    }
    assert [letter.id for letter in found.read] == sorted((letter.id for letter in found.read), reverse=True)
    assert found.read[0].id == UUID(int=HISTORY)


@pytest.mark.parametrize(("most", "expected"), [(0, 0), (2, 2), (251, 251), (5_000, 251)])
def test_no_more_are_read_than_asked_for(tmp_path: Path, most: int, expected: int) -> None:
    engine = filled(f"sqlite:///{tmp_path}/orders.db")
    found = read(engine, most=most)
    engine.dispose()
    assert (len(found.read), found.is_whole) == (expected, expected == found.total)


def test_a_long_reason_is_cut(tmp_path: Path) -> None:
    engine = filled(f"sqlite:///{tmp_path}/orders.db")
    with engine.begin() as connection:
        connection.execute(text("UPDATE runs SET reason = :long WHERE state <> 'completed'"), {"long": "x" * 100_000})
    found = read(engine, most=1)
    engine.dispose()
    assert [len(letter.reason or "") for letter in found.read] == [module.LONGEST_REASON]


def test_neither_counting_nor_reading_walks_through_history(database_url: str) -> None:
    engine = filled(database_url)
    asked = {"of": "trip", "that": FAILED, "most": 10}
    plans = {"count": plan_of(engine, module._COUNT, {}), "newest": plan_of(engine, module._NEWEST, asked)}
    engine.dispose()
    assert {name: plan for name, plan in plans.items() if "ix_runs_dead_letters" not in plan} == {}
    assert "Sort" not in plans["newest"]
    assert "B-TREE" not in plans["newest"]
