"""A run begins: inserted in the caller's transaction, already owned when this process has a slot free."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import BigInteger, Insert, bindparam, exists, func, insert, select, text
from sqlmodel import UTCDateTime
from uuid_utils.compat import uuid7

from pipelines.journal.dialects import now_and
from pipelines.journal.tables import IN_LINE, KEYED, runs
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

_before = runs.alias("before")
_LAST_PLACE = (
    select(func.coalesce(func.max(_before.c.serial_place), 0))
    .where(_before.c.pipeline == bindparam("pipeline"), _before.c.serial == bindparam("serial"))
    .scalar_subquery()
)


def _inserting(*names: str, **values: Any) -> Insert:
    bound: dict[str, Any] = {name: bindparam(name) for name in (*_NAMES, "priority", "traceparent", *names)}
    return insert(runs).values({"due_at": now_and("skew")} | _AT_FIRST | bound | values)


_INSERT = _inserting()  # what nearly every run needs, and no more: this statement is the hot path
_BEGINS = func.coalesce(bindparam("due_at", type_=UTCDateTime()), now_and("skew"))
_INSERT_SPECIAL = _inserting(*_RARE, due_at=_BEGINS)
# Two processes that start a run in one line take the same place, and the unique index sends the later one back to
# look again: so places are taken in the order of the COMMITs, whatever the clocks say. A run that begins at once takes
# the place that was free when nobody stood in line; whoever has come since has that place.
# One statement for all of them, for in one batch the order of statements is not that of the starts.
_PLACE = func.coalesce(bindparam("free_place", type_=BigInteger()), _LAST_PLACE + 1)
_INSERT_IN_LINE = _inserting(*_RARE, serial_place=_PLACE, due_at=_BEGINS)

_SAME_KEY = select(runs.c.id).where(
    text(KEYED), runs.c.pipeline == bindparam("pipeline"), runs.c.key == bindparam("key")
)
_IS_IN_LINE = exists().where(
    text(IN_LINE), runs.c.pipeline == bindparam("pipeline"), runs.c.serial == bindparam("serial")
)
_FREE_PLACE = select(_LAST_PLACE + 1).where(~_IS_IN_LINE)


@dataclass(frozen=True, slots=True)
class RunIsReady:
    """News for the worker: this run was started here, and nobody owns it yet. `is_due`: anybody may take it now."""

    run_id: UUID
    pipeline: str
    version: str
    priority: Priority
    is_due: bool


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
    free_place = _free_place(tx, pipeline.name, serial) if serial is not None and due_at is None else None
    may_begin = due_at is None and (serial is None or free_place is not None)
    owned = may_begin and _is_for_us(tx, pipeline) and tx.take_slot()
    run = _first(tx, pipeline, payload, owned=owned, due_at=due_at, serial=serial, deadline=deadline)
    row = _row(run, tx.home.process_id if owned else None, tx.home.clock.skew_seconds) | {"priority": priority}
    _insert(tx, run, row, key=key, due_at=due_at, free_place=free_place if owned else None)
    tx.wake(RunIsOurs(run) if owned else RunIsReady(run.id, run.pipeline, run.version, priority, is_due=may_begin))
    return run.id


def first_id_of(moment: datetime, *, earlier_by: float = 0.0) -> UUID:
    """No run that was started since, or so many seconds earlier, has a smaller id: it begins with its milliseconds."""
    return UUID(int=max(0, int((moment.timestamp() - earlier_by) * 1000)) << 80)


def _is_for_us(tx: Transaction, pipeline: Pipeline[Any]) -> bool:
    """What this process does not know, it starts for others."""
    return (pipeline.name, pipeline.version) in tx.home.known and pipeline.name not in tx.home.pauses


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


def _insert(
    tx: Transaction, run: Run, row: dict[str, Any], *, key: str | None, due_at: datetime | None, free_place: int | None
) -> None:
    if key is None and run.serial is None and run.deadline_at is None and due_at is None:
        tx.defer(_INSERT, row)
        return
    rare = row | {"key": key, "serial": run.serial, "deadline_at": run.deadline_at, "due_at": due_at}
    if key is not None:
        tx.noted["key", run.pipeline, key] = run.id
        rare = {"key": key} | rare  # keys are taken in one order by all processes, and so are lines
    if run.serial is not None:
        tx.noted["in line", run.pipeline, run.serial] = run.id
        tx.defer(_INSERT_IN_LINE, {"serial": run.serial} | rare | {"free_place": free_place})
    else:
        tx.defer(_INSERT_SPECIAL, rare)


def _earlier(tx: Transaction, pipeline: str, key: str) -> UUID | None:
    """The run that has this key; one of this very batch is not in the table yet."""
    noted: UUID | None = tx.noted.get(("key", pipeline, key))
    return noted or tx.core.execute(_SAME_KEY, {"pipeline": pipeline, "key": key}).scalar_one_or_none()


def _free_place(tx: Transaction, pipeline: str, serial: str) -> int | None:
    """The next place in a line in which nobody stands."""
    if ("in line", pipeline, serial) in tx.noted:
        return None
    return tx.core.execute(_FREE_PLACE, {"pipeline": pipeline, "serial": serial}).scalar_one_or_none()


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
