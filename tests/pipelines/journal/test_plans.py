"""A hundred thousand runs that wait, in lines and under keys: what is asked again and again does not read them all."""

from typing import Any
from uuid import uuid4

from sqlalchemy import Engine, select, text
from sqlalchemy.sql import Executable

from pipelines.journal import claiming, measuring, open_for_altering, open_for_writing, starting, suspects
from pipelines.journal.tables import runs
from pipelines.testing import create_tables
from tests.harness.plans import plan_of

WAITING = 100_000
LINES = 1000
IDS = {"sqlite": "printf('%032x', n)", "postgresql": "CAST(lpad(to_hex(n), 32, '0') AS uuid)"}
NOW = {"sqlite": "'2026-01-01'", "postgresql": "now()"}
FILL = """
INSERT INTO runs (id, pipeline, version, state, step, fence, due_at, generation, attempt, errors, crashes, solo,
                  solo_deaths, payload, created_at, step_since, key, serial, serial_place)
WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {count})
SELECT {id}, 'trip', '1', 'ready', 'go', 0, {now}, 0, 0, 0, 0, false, 0, '{{}}', {now}, {now}, 'key ' || n,
       'line ' || (mod(n, {lines})), n
  FROM numbers
"""
KNOWN = {"known": [("trip", "1")], "skew": 0.0}
CLAIM = KNOWN | {"of_priority": 1, "fewer_crashes": 2}
IN_LINE = {"pipeline": "trip", "serial": "line 7"}
NIGHTLY = {"of": "trip", "name": "nightly", "prefix": "nightly@", "length": 8}
ASKED: dict[str, tuple[Executable, dict[str, Any], str]] = {
    "claim": (claiming._CLAIM, CLAIM | {"most": 64, "me": uuid4()}, "ix_runs_claimable"),
    "is any due": (claiming._IS_ANY_DUE, CLAIM, "ix_runs_claimable"),
    "its turn": (claiming._IS_ANY_DUE, CLAIM, "ix_runs_in_line"),
    "suspect": (suspects._CLAIM, KNOWN | {"me": uuid4()}, "ix_runs_suspects"),
    "is any suspect due": (suspects._IS_ANY_DUE, KNOWN, "ix_runs_suspects"),
    "free place": (starting._FREE_PLACE, IN_LINE, "ix_runs_in_line"),
    "last place": (select(starting._LAST_PLACE), IN_LINE, "ix_runs_line"),
    "last success": (measuring._LAST_SUCCESS, NIGHTLY, "ix_runs_ended"),
    "key": (starting._SAME_KEY, {"pipeline": "trip", "key": "key 7"}, "ix_runs_key"),
}


def filled(database_url: str) -> Engine:
    """By a connection that no limit breaks off: on a busy machine it is silent for longer than ours may be."""
    create_tables(database_url)
    engine = open_for_altering(database_url)
    name = engine.dialect.name
    fill = FILL.format(count=WAITING, lines=LINES, id=IDS[name], now=NOW[name])
    in_line = next(index for index in runs.indexes if index.name == "ix_runs_in_line")
    with engine.begin() as connection:
        in_line.drop(connection)  # of two that cost the same SQLite takes the younger: as in the migrations, this one
        in_line.create(connection)
        connection.execute(text(fill))
        connection.exec_driver_sql("ANALYZE")
    engine.dispose()
    return open_for_writing(database_url)


def test_nothing_reads_all_that_waits(database_url: str) -> None:
    engine = filled(database_url)
    plans = {name: plan_of(engine, statement, bound) for name, (statement, bound, _) in ASKED.items()}
    engine.dispose()
    assert {name: plan for name, plan in plans.items() if ASKED[name][2] not in plan} == {}
    assert {name: plan for name, plan in plans.items() if "SCAN runs" in plan or "Seq Scan on runs" in plan} == {}
