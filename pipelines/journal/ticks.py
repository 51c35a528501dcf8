"""How far each schedule has come: the runs of a tick, and the way on to the next tick, are in one COMMIT."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, bindparam, insert, select, update
from sqlmodel import UTCDateTime

from pipelines.errors import StateConflict
from pipelines.journal.dialects import time_of
from pipelines.journal.starting import start
from pipelines.journal.tables import schedules
from pipelines.schedule import Row, Schedule
from pipelines.transaction import ReadSession, Transaction

ROWS = select(schedules).where(schedules.c.name.in_(bindparam("names", expanding=True)))
_FIND = select(schedules).where(schedules.c.name == bindparam("of"))
# Whoever finds the row locked comes too late: somebody else is about to commit this tick.
_TAKE = _FIND.with_for_update(skip_locked=True)
_REGISTER = insert(schedules)
_PLAN = (
    update(schedules)
    .where(
        schedules.c.name == bindparam("of"),
        schedules.c.paused_at.is_(None),
        schedules.c.next_fire_at.is_not_distinct_from(bindparam("planned", type_=UTCDateTime())),
    )
    .values(
        pipeline=bindparam("runs"),
        trigger=bindparam("by"),
        next_fire_at=bindparam("next_at", type_=UTCDateTime()),
    )
)
_FIRE = _PLAN.values(last_fire_at=bindparam("fired", type_=UTCDateTime()), last_run_id=bindparam("started"))

Tick = tuple[datetime, Any]  # fire time, and input


@dataclass(frozen=True, slots=True)
class Seen:
    """What one look at the journal found: the time by its clock, and the schedules that it knows."""

    now: datetime
    rows: Mapping[str, Row]


def look(session: ReadSession, names: Iterable[str], skew_seconds: float) -> Seen:
    """What the journal says of the schedules of these names, and what time it is there."""
    now = time_of(session, skew_seconds)
    found = session.execute(ROWS, {"names": list(names)}).mappings()
    return Seen(now, {row["name"]: _as_row(row) for row in found})


def register(tx: Transaction, schedule: Schedule[Any], next_at: datetime | None) -> None:
    """The schedule is seen for the first time. What the journal knows already is left alone."""
    if tx.execute(_FIND, {"of": schedule.name}).first() is None:
        plan = {"pipeline": schedule.pipeline.name, "trigger": schedule.trigger_text, "next_fire_at": next_at}
        tx.defer(_REGISTER, {"name": schedule.name} | plan)


def fire(
    tx: Transaction, schedule: Schedule[Any], seen: Row, ticks: Sequence[Tick], next_at: datetime | None
) -> list[UUID]:
    """Start a run for each tick and go on to the next, if the schedule still stands where it was seen.

    Its row, not the key of the run, says that a tick has been fired: the run may be deleted one day.
    """
    row = tx.execute(_TAKE, {"of": schedule.name}).mappings().one_or_none()
    if row is None or _as_row(row) != seen:
        return []
    started = [start(tx, schedule.pipeline, payload, key=schedule.key_at(at)) for at, payload in ticks]
    plan = {
        "of": schedule.name,
        "planned": seen.next_fire_at,
        "runs": schedule.pipeline.name,
        "by": schedule.trigger_text,
        "next_at": next_at,
    }
    moved = StateConflict(f"schedule {schedule.name} was fired or paused by somebody else")
    if started:
        tx.defer(_FIRE, plan | {"fired": ticks[-1][0], "started": started[-1]}, otherwise=moved)
    else:
        tx.defer(_PLAN, plan, otherwise=moved)
    return started


def _as_row(row: RowMapping) -> Row:
    return Row(row["trigger"], row["last_fire_at"], row["next_fire_at"], is_paused=row["paused_at"] is not None)
