"""A run begins: inserted in the caller's transaction, already owned when this process has a slot free."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Insert, bindparam, func, insert, select, text
from sqlmodel import UTCDateTime
from uuid_utils.compat import uuid7

from pipelines.journal.dialects import now_and
from pipelines.journal.tables import AHEAD_IN_LINE, IN_LINE, KEYED, runs
from pipelines.pipeline import Pipeline
from pipelines.run import Priority, Run, RunState
from pipelines.transaction import Transaction

In = TypeVar("In")

FIRST_FENCE = 1
LONGEST_NAME = 255  # of a key or a line
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")  # NUL, and halves of characters

_AT_FIRST = {"generation": 0, "attempt": 0, "errors": 0, "crashes": 0, "solo": False, "solo_deaths": 0}
_NAMES = ("id", "pipeline", "version", "state", "step", "owner", "fence", "payload", "created_at", "step_since")
_RARE = ("key", "serial", "deadline_at")

_ahead = runs.alias("ahead")
_NEXT_PLACE = (
    select(func.coalesce(func.max(_ahead.c.serial_place), 0) + 1)
    .where(text(AHEAD_IN_LINE), _ahead.c.pipeline == bindparam("pipeline"), _ahead.c.serial == bindparam("serial"))
    .scalar_subquery()
)


def _inserting(*names: str, **values: Any) -> Insert:
    bound: dict[str, Any] = {name: bindparam(name) for name in (*_NAMES, "priority", "traceparent", *names)}
    return insert(runs).values({"due_at": now_and("skew")} | _AT_FIRST | bound | values)


_INSERT = _inserting()  # what nearly every run needs, and no more: this statement is the hot path
_BEGINS = func.coalesce(bindparam("due_at", type_=UTCDateTime()), now_and("skew"))
_INSERT_SPECIAL = _inserting(*_RARE, due_at=_BEGINS)
# Two processes that start a run in one line take the same place, and the unique index sends the later one back to
# look again: so places are taken in the order of the COMMITs, whatever the clocks say.
# One statement for all of them, for in one batch the order of statements is not that of the starts.
_INSERT_IN_LINE = _inserting(*_RARE, serial_place=_NEXT_PLACE, due_at=_BEGINS)

_SAME_KEY = select(runs.c.id).where(
    text(KEYED), runs.c.pipeline == bindparam("pipeline"), runs.c.key == bindparam("key")
)
_ANY_IN_LINE = (
    select(runs.c.id)
    .where(text(IN_LINE), runs.c.pipeline == bindparam("pipeline"), runs.c.serial == bindparam("serial"))
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class RunIsReady:
    """News for the worker: this run was started here, and nobody owns it yet."""

    run_id: UUID
    pipeline: str


@dataclass(frozen=True, slots=True)
class RunIsOurs:
    """News for the worker: this run was started here, and its slot is taken."""

    run: Run


def start(
    tx: Transaction,
    pipeline: Pipeline[In],
    payload: In,
    *,
    key: str | None = None,
    serial: str | None = None,
    priority: Priority = Priority.NORMAL,
    due_at: datetime | None = None,
    deadline: timedelta | None = None,
) -> UUID:
    """Start a run of the pipeline. It is on disk with whatever else the transaction writes, or not at all.

    `key` makes it idempotent: a run of this pipeline with the same key is returned instead of a second one, for as
    long as it is kept. Runs with the same `serial` go one after another, in the order of their starts. `due_at` is when
    it may begin. When `deadline`, or the pipeline's own, has passed since it could begin, the run is undone and fails.
    Raises `ValueError` for a key or serial that is empty or longer than 255 characters, and for a time without its
    zone.
    """
    if key is not None or serial is not None or due_at is not None:
        _check(key, serial, due_at)
    if key is not None and (earlier := _earlier(tx, pipeline.name, key)) is not None:
        return earlier
    may_begin = due_at is None and not (serial is not None and _has_to_queue(tx, pipeline.name, serial))
    owned = may_begin and pipeline.name not in tx.home.pauses and tx.take_slot()
    run = _first(tx, pipeline, payload, owned=owned, due_at=due_at, serial=serial, deadline=deadline)
    row = _row(run, tx.home.process_id if owned else None, tx.home.clock.skew_seconds) | {"priority": priority}
    _insert(tx, run, row, key, due_at)
    tx.wake(RunIsOurs(run) if owned else RunIsReady(run.id, run.pipeline))
    return run.id


def _check(key: str | None, serial: str | None, due_at: datetime | None) -> None:
    """What a column would refuse, or take for something else, is refused here, where it fails its caller alone."""
    for what, name in (("key", key), ("serial", serial)):
        if name is not None and not (0 < len(name) <= LONGEST_NAME and _UNSTORABLE.search(name) is None):
            raise ValueError(f"a {what} has 1 to {LONGEST_NAME} characters that can be stored")
    if due_at is not None and due_at.utcoffset() is None:
        raise ValueError("due_at needs a time zone")


def _first(
    tx: Transaction,
    pipeline: Pipeline[In],
    payload: In,
    *,
    owned: bool,
    due_at: datetime | None,
    serial: str | None,
    deadline: timedelta | None,
) -> Run:
    """The run as it begins."""
    now = tx.home.clock.now()
    limit = deadline or pipeline.deadline
    return Run(
        id=uuid7(),
        pipeline=pipeline.name,
        version=pipeline.version,
        payload=pipeline.encode(payload),
        state=RunState.WAITING if due_at is not None else RunState.RUNNING if owned else RunState.READY,
        step=pipeline.first_step_for(payload),
        fence=FIRST_FENCE if owned else 0,
        created_at=now,
        step_since=now,
        serial=serial,
        deadline_at=max(now, due_at or now) + limit if limit is not None else None,
        traceparent=tx.origin,
    )


def _insert(tx: Transaction, run: Run, row: dict[str, Any], key: str | None, due_at: datetime | None) -> None:
    if key is None and run.serial is None and run.deadline_at is None and due_at is None:
        tx.defer(_INSERT, row)
        return
    rare = row | {"key": key, "serial": run.serial, "deadline_at": run.deadline_at, "due_at": due_at}
    if key is not None:
        tx.noted["key", run.pipeline, key] = run.id
        rare = {"key": key} | rare  # keys are taken in one order by all processes, and so are lines
    if run.serial is not None:
        tx.noted["in line", run.pipeline, run.serial] = run.id
        tx.defer(_INSERT_IN_LINE, {"serial": run.serial} | rare)
    else:
        tx.defer(_INSERT_SPECIAL, rare)


def _earlier(tx: Transaction, pipeline: str, key: str) -> UUID | None:
    """The run that has this key; one of this very batch is not in the table yet."""
    noted: UUID | None = tx.noted.get(("key", pipeline, key))
    return noted or tx.core.execute(_SAME_KEY, {"pipeline": pipeline, "key": key}).scalar_one_or_none()


def _has_to_queue(tx: Transaction, pipeline: str, serial: str) -> bool:
    is_first = ("in line", pipeline, serial) not in tx.noted
    return not is_first or tx.core.execute(_ANY_IN_LINE, {"pipeline": pipeline, "serial": serial}).first() is not None


def _row(run: Run, owner: UUID | None, skew: float) -> dict[str, Any]:
    return {
        "id": run.id,
        "pipeline": run.pipeline,
        "version": run.version,
        "state": run.state,
        "step": run.step,
        "owner": owner,
        "fence": run.fence,
        "payload": run.payload,
        "created_at": run.created_at,
        "step_since": run.step_since,
        "traceparent": run.traceparent,
        "skew": skew,
    }
