"""What people ask of schedules and do to them: look, fire one now, pause, resume."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, bindparam, null, select, update
from sqlmodel import UTCDateTime

from pipelines.errors import StateConflict, UnknownSchedule, WiringError
from pipelines.journal import interventions, ticks
from pipelines.journal.browsing import RunStanding, standings
from pipelines.journal.dialects import time_of
from pipelines.journal.starting import start
from pipelines.journal.tables import schedules
from pipelines.pipeline import Pipeline
from pipelines.schedule import Schedule
from pipelines.transaction import ReadSession, Transaction

_FIND = select(schedules.c.paused_at).where(schedules.c.name == bindparam("of"))
_PAUSE = (
    update(schedules)
    .where(schedules.c.name == bindparam("of"), schedules.c.paused_at.is_(None))
    .values(paused_at=bindparam("since", type_=UTCDateTime()), paused_by=bindparam("who"), next_fire_at=null())
)
_RESUME = (
    update(schedules)
    .where(schedules.c.name == bindparam("of"), schedules.c.paused_at.is_not(None))
    .values(
        paused_at=null(),
        paused_by=null(),
        trigger=bindparam("by"),
        next_fire_at=bindparam("next_at", type_=UTCDateTime()),
    )
)
_NOTE_RUN = update(schedules).where(schedules.c.name == bindparam("of")).values(last_run_id=bindparam("started"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleRecord:
    """How a schedule stands. `last_run` is missing before the first, and when it has been deleted."""

    name: str
    pipeline: str
    trigger: str
    sentence: str
    last_fire_at: datetime | None
    next_fire_at: datetime | None
    paused_at: datetime | None
    paused_by: str | None
    last_run_id: UUID | None
    last_run: RunStanding | None


class Schedules(Mapping[str, Schedule[Any]]):
    """The schedules of a process, by name. Its verbs are transaction functions: `await process.write(...)` them."""

    def __init__(self, schedules: Iterable[Schedule[Any]], pipelines: Iterable[Pipeline[Any]]) -> None:
        """Raises `WiringError` when two have one name, or nobody here knows a schedule's pipeline."""
        self._by_name: dict[str, Schedule[Any]] = {}
        known = list(pipelines)
        for each in schedules:
            if each.name in self._by_name:
                raise WiringError(f"two schedules are called {each.name!r}")
            if not any(each.pipeline is pipeline for pipeline in known):
                raise WiringError(f"schedule {each.name!r}: {each.pipeline.name} is none of this process's pipelines")
            self._by_name[each.name] = each

    def __getitem__(self, name: str) -> Schedule[Any]:
        """Raises `UnknownSchedule`."""
        try:
            return self._by_name[name]
        except KeyError:
            raise UnknownSchedule(name) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)

    def trigger(self, tx: Transaction, name: str, *, actor: str) -> UUID:
        """Start a run now, paused or not. What is planned stays as it is."""
        schedule = self[name]
        now = time_of(tx, tx.home.clock.skew_seconds)
        run_id = start(tx, schedule.pipeline, schedule.input_at(now))
        tx.defer(_NOTE_RUN, {"of": name, "started": run_id})
        _record(tx, actor, "trigger", schedule, run_id)
        return run_id

    def pause(self, tx: Transaction, name: str, *, actor: str) -> None:
        """Fire nothing until it is resumed. Raises `StateConflict` when it is paused already."""
        schedule = self[name]
        ticks.register(tx, schedule, None)
        already = StateConflict(f"schedule {name} is paused")
        if tx.execute(_FIND, {"of": name}).scalar_one_or_none() is not None:
            raise already
        tx.defer(_PAUSE, {"of": name, "since": tx.home.clock.now(), "who": actor}, otherwise=already)
        _record(tx, actor, "pause", schedule)

    def resume(self, tx: Transaction, name: str, *, actor: str) -> None:
        """Fire again, from the next tick on; what was due meanwhile is not made up for.

        Raises `StateConflict` when it is not paused.
        """
        schedule = self[name]
        not_paused = StateConflict(f"schedule {name} is not paused")
        if tx.execute(_FIND, {"of": name}).scalar_one_or_none() is None:
            raise not_paused
        next_at = schedule.next_after(time_of(tx, tx.home.clock.skew_seconds))
        tx.defer(_RESUME, {"of": name, "by": schedule.trigger_text, "next_at": next_at}, otherwise=not_paused)
        _record(tx, actor, "resume", schedule)

    def listing(self, session: ReadSession) -> list[ScheduleRecord]:
        """All of them, in the order of their names. What has never been seen by a process is not planned yet."""
        rows = {row["name"]: row for row in session.execute(ticks.ROWS, {"names": list(self)}).mappings()}
        last = standings(session, [row["last_run_id"] for row in rows.values() if row["last_run_id"] is not None])
        return [_as_record(self[name], rows.get(name), last) for name in sorted(self)]


def _record(tx: Transaction, actor: str, action: str, schedule: Schedule[Any], run_id: UUID | None = None) -> None:
    details = {"schedule": schedule.name}
    interventions.record(tx, actor, action, pipeline=schedule.pipeline.name, run_id=run_id, details=details)


def _as_record(schedule: Schedule[Any], row: RowMapping | None, last: Mapping[UUID, RunStanding]) -> ScheduleRecord:
    found: dict[str, Any] = dict.fromkeys(_FIELDS) if row is None else {name: row[name] for name in _FIELDS}
    return ScheduleRecord(
        name=schedule.name,
        pipeline=schedule.pipeline.name,
        trigger=repr(schedule.trigger),
        sentence=schedule.sentence,
        last_run=last.get(found["last_run_id"]),
        **found,
    )


_FIELDS = ("last_fire_at", "next_fire_at", "paused_at", "paused_by", "last_run_id")
