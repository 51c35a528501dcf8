"""How a database means to find its rows: the plan of a statement on a journal with a history."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Engine, event, insert
from sqlalchemy.sql import Executable

from pipelines.journal import open_for_writing
from pipelines.journal.tables import runs
from pipelines.run import RunState
from pipelines.testing import VirtualClock, create_tables

HISTORY = 3000
OF_EACH = 40
OWNER = UUID(int=1)


def fill(database_url: str) -> Engine:
    """Tables as they are after a while: a long history, few runs that are ready, few that are owned."""
    create_tables(database_url)
    engine = open_for_writing(database_url)
    states = [RunState.COMPLETED] * HISTORY + [RunState.READY] * OF_EACH + [RunState.RUNNING] * OF_EACH
    with engine.begin() as connection:
        connection.execute(insert(runs), [run_row(state) for state in states])
        connection.exec_driver_sql("ANALYZE")
    return engine


def plan_of(engine: Engine, statement: Executable, bound: Mapping[str, Any]) -> str:
    """What EXPLAIN says of the statement as it is really sent, parameters and all."""
    explain = "EXPLAIN QUERY PLAN " if engine.dialect.name == "sqlite" else "EXPLAIN "

    def explaining(_: Connection, __: Any, sql: str, parameters: Any, *___: object) -> tuple[str, Any]:
        return explain + sql, parameters

    event.listen(engine, "before_cursor_execute", explaining, retval=True)
    try:
        with engine.connect() as connection:
            cursor = connection.execute(statement, dict(bound)).cursor
            assert cursor is not None
            return "\n".join(str(row) for row in cursor.fetchall())
    finally:
        event.remove(engine, "before_cursor_execute", explaining)


def run_row(state: RunState) -> dict[str, Any]:
    """What a run must have."""
    now = VirtualClock().now()
    return {
        "id": uuid4(),
        "pipeline": "trip",
        "version": "1",
        "state": state,
        "step": "book",
        "owner": OWNER if state is RunState.RUNNING else None,
        "fence": 1,
        "due_at": now,
        "generation": 0,
        "attempt": 0,
        "errors": 0,
        "crashes": 0,
        "solo": False,
        "solo_deaths": 0,
        "payload": "{}",
        "created_at": now,
        "step_since": now,
    }
