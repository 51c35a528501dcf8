"""Everybody reaps: a process whose lease has run out is declared dead, and its runs are free in the same COMMIT."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, Select, and_, bindparam, case, false, select, update

from pipelines.journal import suspects
from pipelines.journal.claiming import FREED
from pipelines.journal.dialects import now_and, seconds
from pipelines.journal.tables import processes, runs
from pipelines.transaction import ReadSession, Transaction

MOST_PROCESSES = 10
LONGEST_PAUSE_SECONDS = 60.0
MOST_DOUBLINGS = 6

_LATE = (processes.c.state != "dead", processes.c.lease_until < now_and("skew"))
_IS_ANY_LATE = select(processes.c.id).where(*_LATE).limit(1)
_OTHERS = (processes.c.state != "dead", processes.c.id != bindparam("me"))


def _locked(condition: tuple[object, ...]) -> Select[tuple[object]]:
    chosen = select(processes.c.id).where(*condition).order_by(processes.c.id)  # type: ignore[arg-type] # columns of one table
    return chosen.with_for_update(skip_locked=True, key_share=True)


_DECLARE_LATE_DEAD = (
    update(processes)
    .where(processes.c.id.in_(select(_locked(_LATE).limit(MOST_PROCESSES).cte("late").c.id)))
    .values(state="dead")
    .returning(processes.c.id, processes.c.pid, processes.c.host)
)
_DECLARE_OTHERS_DEAD = (
    update(processes).where(*_OTHERS).values(state="dead").returning(processes.c.id, processes.c.pid, processes.c.host)
)

_ORPHANS = (
    select(runs.c.id)
    .where(runs.c.owner.in_(bindparam("dead", expanding=True)))
    .order_by(runs.c.id)
    .with_for_update(key_share=True)
    .cte("orphans")
)
# Where one run was alone all others were paused between steps: they have killed nobody.
_IS_BLAMELESS = and_(runs.c.owner.in_(bindparam("with_solo", expanding=True)), runs.c.solo == false())
_FREE = (
    update(runs)
    .where(runs.c.id.in_(select(_ORPHANS.c.id)))
    .values(
        FREED
        | {
            "crashes": runs.c.crashes + case((_IS_BLAMELESS, 0), else_=bindparam("count")),
            "solo_deaths": runs.c.solo_deaths + case((runs.c.solo, bindparam("count")), else_=0),
            "due_at": case(
                *((runs.c.crashes == crashes, now_and(f"after_{crashes}")) for crashes in range(MOST_DOUBLINGS)),
                else_=now_and(f"after_{MOST_DOUBLINGS}"),
            ),
        }
    )
    .returning(runs.c.id)
)


@dataclass(frozen=True, slots=True)
class Reaped:
    """How many runs are free now, how many of them were quarantined, and how many processes were dead."""

    runs: int = 0
    quarantined: int = 0
    processes: int = 0


def is_any_late(session: ReadSession, skew_seconds: float) -> bool:
    """Whether some process has let its lease run out."""
    return session.execute(_IS_ANY_LATE, {"skew": seconds(skew_seconds)}).first() is not None


def reap(tx: Transaction, *, count_crash: bool, jitter: float) -> Reaped:
    """Declare dead whose lease has run out, and free their runs.

    `count_crash` is off for a while after an outage of the database: everybody is late then, and nobody has crashed.
    """
    dead = tx.execute(_DECLARE_LATE_DEAD, {"skew": seconds(tx.home.clock.skew_seconds)}).all()
    return _free(tx, dead, count=int(count_crash), jitter=jitter)


def bury_predecessors(tx: Transaction) -> Reaped:
    """For whoever holds the lock of a SQLite file: all earlier owners are dead, so recovery starts at once."""
    dead = tx.execute(_DECLARE_OTHERS_DEAD, {"me": tx.home.process_id}).all()
    return _free(tx, dead, count=1, jitter=0.0)


def _free(tx: Transaction, dead: Sequence[Row[Any]], *, count: int, jitter: float) -> Reaped:
    if not dead:
        return Reaped()
    deaths = {each.id: f"process {each.id}, pid {each.pid} on {each.host}" for each in dead}
    alone = suspects.alone_with(tx, list(deaths))
    bound = {"dead": list(deaths), "with_solo": [each.owner for each in alone], "count": count}
    freed = tx.execute(_FREE, bound | _due_times(tx.home.clock.skew_seconds, jitter)).all()
    judged = [suspects.judge(tx, each, deaths[each.owner]) for each in alone] if count else []
    return Reaped(len(freed), quarantined=sum(judged), processes=len(dead))


def _due_times(skew_seconds: float, jitter: float) -> dict[str, float]:
    """When a run goes on, by how often a process has died with it before; an innocent of its first crash at once."""
    pauses = [0.0, *(jitter * min(2.0**crashes, LONGEST_PAUSE_SECONDS) for crashes in range(1, MOST_DOUBLINGS + 1))]
    return {f"after_{crashes}": seconds(skew_seconds + pause) for crashes, pause in enumerate(pauses)}
