"""Why a run is where it is, in one sentence that names the cause which blocks it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, and_, bindparam, func, or_, select, text

from pipelines.clock import Clock
from pipelines.errors import UnknownRun, UnknownStep
from pipelines.journal.claiming import Known
from pipelines.journal.tables import CLAIMABLE, attempts, pauses, processes, runs
from pipelines.run import OPEN, SUSPECT_AFTER, Direction, RunState
from pipelines.step import Step
from pipelines.transaction import ReadSession

MOST_COUNTED = 10_000

_RUN = select(runs).where(runs.c.id == bindparam("of"))
_OWNER = select(processes).where(processes.c.id == bindparam("of"))
_LIVING = select(processes.c.knows, processes.c.lease_until).where(processes.c.state == "live")
_PAUSE = select(pauses).where(pauses.c.pipeline == bindparam("of"))
_LAST_ERROR = (
    select(attempts.c.error)
    .where(attempts.c.run_id == bindparam("of"), attempts.c.step == bindparam("at"), attempts.c.error.is_not(None))
    .order_by(attempts.c.place.desc())
    .limit(1)
)
_LAST_TRY = (
    select(attempts.c.place, attempts.c.finished_at)
    .where(attempts.c.run_id == bindparam("of"))
    .order_by(attempts.c.place.desc())
    .limit(1)
)
_WAYS = (
    select(attempts.c.step, attempts.c.kind)
    .where(attempts.c.run_id == bindparam("of"))
    .order_by(attempts.c.place.desc())
)
_AHEAD_IN_LINE = select(func.count()).where(
    runs.c.pipeline == bindparam("of"),
    runs.c.serial == bindparam("line"),
    runs.c.serial_place < bindparam("place"),
    runs.c.state.in_(sorted(OPEN)),
)
_EARLIER = or_(
    runs.c.priority < bindparam("level"),
    and_(runs.c.priority == bindparam("level"), runs.c.due_at < bindparam("due")),
)
_TAKEN_FIRST = select(runs.c.id).where(text(CLAIMABLE), runs.c.due_at <= bindparam("now"), _EARLIER)


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a run is where it is. `code` is one of a closed set, `sentence` is for people."""

    code: str
    sentence: str


@dataclass(frozen=True, slots=True)
class _Case:
    """All that the explanations look at."""

    session: ReadSession
    run: Row[Any]
    known: Known
    now: datetime
    lease: timedelta


def why(session: ReadSession, run_id: UUID, *, known: Known, clock: Clock, lease: timedelta) -> Cause:
    """The first cause that holds, the most stubborn ones first. Raises `UnknownRun`.

    `known` says how often a step is tried, for the pipelines that are in it; `lease` is what all processes live by.
    """
    run = session.execute(_RUN, {"of": run_id}).one_or_none()
    if run is None:
        raise UnknownRun(str(run_id))
    case = _Case(session, run, known, clock.now(), lease)
    if run.state not in OPEN:
        return _ended(case)
    if run.owner is not None:
        return _owned(case)
    return next(_obstacles(case), None) or _ready(case)


def _obstacles(case: _Case) -> Iterator[Cause]:
    for look in (_paused, _unknown, _in_line, _waiting, _suspect):
        if (cause := look(case)) is not None:
            yield cause


def _ended(case: _Case) -> Cause:
    run = case.run
    at = f" at {_time(case, run.finished_at)}" if run.finished_at is not None else ""
    if run.state is RunState.COMPLETED:
        return Cause("completed", f"completed{at}")
    owed = "; retry_undo goes on with undoing it" if run.undo_failure is not None else ""
    return Cause(
        run.state.value, f"{run.state} at {_turned_back_at(case)}{at}: {run.reason or 'nobody said why'}{owed}"
    )


def _turned_back_at(case: _Case) -> str:
    """Where it failed: after that it may have stood before earlier steps, to undo them."""
    if case.run.state is RunState.QUARANTINED:
        return str(case.run.step)
    ways = case.session.execute(_WAYS, {"of": case.run.id}).all()
    if not ways or ways[0].kind is Direction.DO:
        return str(case.run.step)
    return str(next((way.step for way in ways if way.kind is Direction.DO), case.run.step))


def _owned(case: _Case) -> Cause:
    run = case.run
    doing = f"undoing {run.step}" if run.state is RunState.UNDOING else f"at {run.step}"
    if run.ending is not None and run.state is not RunState.UNDOING:
        doing = f"to be {run.ending} ({run.reason}) as soon as {run.step} lets it,"
    owner = case.session.execute(_OWNER, {"of": run.owner}).one_or_none()
    if owner is None:
        return Cause("owned", f"{doing} since {_time(case, run.step_since)}, owned by process {run.owner}, now gone")
    beat = max(timedelta(0), case.now - (owner.lease_until - case.lease)).total_seconds()
    whose = f"owned by process {owner.id} on {owner.host} (pid {owner.pid}), last heartbeat {beat:.0f} s ago"
    late = case.now > owner.lease_until
    dead = ", which is late and will be declared dead" if late else ""
    return Cause("owner-late" if late else "owned", f"{doing} since {_time(case, run.step_since)}, {whose}{dead}")


def _paused(case: _Case) -> Cause | None:
    pause = case.session.execute(_PAUSE, {"of": case.run.pipeline}).one_or_none()
    if pause is None:
        return None
    since = _time(case, pause.paused_at)
    return Cause("paused", f"{case.run.pipeline} is paused by {pause.paused_by} since {since} because {pause.reason}")


def _unknown(case: _Case) -> Cause | None:
    run = case.run
    living = [each for each in case.session.execute(_LIVING) if each.lease_until >= case.now]
    if any([run.pipeline, run.version] in json.loads(each.knows) for each in living):
        return None
    return Cause("unknown-version", f"no live process knows version {run.version} of {run.pipeline}")


def _in_line(case: _Case) -> Cause | None:
    run = case.run
    if run.serial is None:
        return None
    bound = {"of": run.pipeline, "line": run.serial, "place": run.serial_place}
    ahead = case.session.execute(_AHEAD_IN_LINE, bound).scalar_one()
    others = "1 other" if ahead == 1 else f"{ahead:,} others"
    return Cause("in-line", f"stands behind {others} in line {run.serial}") if ahead else None


def _waiting(case: _Case) -> Cause | None:
    run = case.run
    if run.due_at <= case.now:
        return None
    until = f"waits until {_time(case, run.due_at)}"
    if _stands_before_a_step_of_other_code(case):
        return Cause("unknown-step", f"{until}, since the code here has no step {run.step}")
    if (full := _destination_without_room(case)) is not None:
        return Cause("no-room", f"{until} for room at {full}, to make {_next_attempt(case)}")
    if run.crashes:
        return Cause("crashed", f"{until}, since {_times(run.crashes, 'process')} died with it at {run.step}")
    if not run.attempt:
        return Cause("not-yet", f"{until} to begin {run.step}")
    return Cause("waiting", f"{until} for {_next_attempt(case)}")


def _next_attempt(case: _Case) -> str:
    run = case.run
    error = case.session.execute(_LAST_ERROR, {"of": run.id, "at": run.step}).scalar_one_or_none()
    what = f"undoing {run.step}" if run.state is RunState.UNDOING else run.step
    return f"attempt {run.errors + 1}{_of_how_many(case)} at {what}" + (f" ({error})" if error else "")


def _destination_without_room(case: _Case) -> str | None:
    """The destination of its step, if its last move left no attempt; on the way back that has other reasons too."""
    run, step = case.run, _step(case)
    if step is None or step.to is None or run.state is not RunState.WAITING:
        return None
    last = case.session.execute(_LAST_TRY, {"of": run.id}).one_or_none()
    place, since = (last.place, last.finished_at) if last is not None else (0, run.created_at)
    is_set_in_motion_anew = run.step_since > since  # by an operator, who may have it wait too
    return None if is_set_in_motion_anew or run.tries <= place else step.to.name


def _stands_before_a_step_of_other_code(case: _Case) -> bool:
    pipeline = case.known.get((case.run.pipeline, case.run.version))
    try:
        return pipeline is not None and not pipeline.place_of(case.run.step)
    except UnknownStep:
        return True


def _step(case: _Case) -> Step | None:
    """As it is declared here."""
    pipeline = case.known.get((case.run.pipeline, case.run.version))
    steps = pipeline.steps if pipeline is not None else ()
    return next((step for step in steps if step.name == case.run.step), None)


def _of_how_many(case: _Case) -> str:
    step = _step(case)
    if step is None:
        return ""
    if case.run.state is RunState.UNDOING and step.undo is not None:
        step = step.undo
    return f" of {step.retry.attempts}"


def _suspect(case: _Case) -> Cause | None:
    crashes = case.run.crashes
    if crashes < SUSPECT_AFTER:
        return None
    return Cause("suspect", f"suspect after {crashes} crashes at {case.run.step}, waits for a quiet process")


def _ready(case: _Case) -> Cause:
    run = case.run
    bound = {"level": run.priority, "due": run.due_at, "now": case.now}
    counted: Select[Any] = select(func.count()).select_from(_TAKEN_FIRST.limit(MOST_COUNTED + 1).subquery())
    ahead = case.session.execute(counted, bound).scalar_one()
    since = f"ready since {_time(case, run.due_at)}"
    if not ahead:
        return Cause("ready", f"{since}, and next to be taken")
    number = f"{MOST_COUNTED:,}+" if ahead > MOST_COUNTED else f"{ahead:,}"
    return Cause("queued", f"{since}, behind {number} runs of higher priority or earlier due")


def _times(count: int, noun: str) -> str:
    return f"1 {noun}" if count == 1 else f"{count} {noun}es"


def _time(case: _Case, at: datetime) -> str:
    return f"{at:%H:%M:%S} UTC" if at.date() == case.now.date() else f"{at:%Y-%m-%d %H:%M:%S} UTC"
