"""What open runs there are, by what a release must know to carry them on; read without touching them."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, func, select, text, union_all

from pipelines.journal.tables import CLAIMABLE, attempts, runs
from pipelines.run import AttemptOutcome, Direction, RunState, StoredResult
from pipelines.transaction import ReadSession

_KINDS = (runs.c.pipeline, runs.c.version, runs.c.step, runs.c.state)
# The two partial indexes find what is open; a history of millions is not read.
_OPEN = union_all(
    select(*_KINDS, func.count().label("count")).where(text(CLAIMABLE)).group_by(*_KINDS),
    select(*_KINDS, func.count().label("count")).where(runs.c.owner.is_not(None)).group_by(*_KINDS),
)
_IDS = union_all(
    select(runs.c.id).where(
        text(CLAIMABLE), runs.c.pipeline == bindparam("of"), runs.c.version == bindparam("made_by")
    ),
    select(runs.c.id).where(
        runs.c.owner.is_not(None), runs.c.pipeline == bindparam("of"), runs.c.version == bindparam("made_by")
    ),
).limit(bindparam("most"))
_STORED = select(runs.c.id, runs.c.payload).where(runs.c.id.in_(bindparam("these", expanding=True)))
_RESULTS = select(attempts.c.run_id, attempts.c.step, attempts.c.result, attempts.c.version).where(
    attempts.c.run_id.in_(bindparam("these", expanding=True)),
    attempts.c.kind == Direction.DO,
    attempts.c.outcome == AttemptOutcome.SUCCESS,
)


@dataclass(frozen=True, slots=True)
class OpenRuns:
    """So many runs of one version stand at one step in one state."""

    pipeline: str
    version: str
    step: str
    state: RunState
    count: int


@dataclass(frozen=True, slots=True)
class StoredRun:
    """What is stored of a run that code must be able to read."""

    id: UUID
    payload: str
    results: dict[str, StoredResult]


def open_runs(session: ReadSession) -> list[OpenRuns]:
    """All open runs, counted."""
    rows = session.execute(_OPEN).all()
    return sorted((OpenRuns(*row) for row in rows), key=lambda each: (each.pipeline, each.version, each.step))


def stored(session: ReadSession, pipeline: str, version: str, most: int) -> list[StoredRun]:
    """Of at most so many open runs of this version, what is stored."""
    ids = session.execute(_IDS, {"of": pipeline, "made_by": version, "most": most}).scalars().all()
    found = {row.id: StoredRun(row.id, row.payload, {}) for row in _rows(session, _STORED, ids)}
    for row in _rows(session, _RESULTS, ids):
        if row.run_id in found:
            found[row.run_id].results[row.step] = StoredResult(row.result, row.version)
    return list(found.values())


def _rows(session: ReadSession, statement: Any, ids: Any) -> Any:
    """In slices: a database takes only so many parameters."""
    for start in range(0, len(ids), 500):
        yield from session.execute(statement, {"these": ids[start : start + 500]})
