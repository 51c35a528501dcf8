"""Everybody reaps: a process whose lease has run out is declared dead, and its runs are free in the same COMMIT."""

from sqlalchemy import Select, bindparam, case, select, update

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
    .returning(processes.c.id)
)
_DECLARE_OTHERS_DEAD = update(processes).where(*_OTHERS).values(state="dead").returning(processes.c.id)

_ORPHANS = (
    select(runs.c.id)
    .where(runs.c.owner.in_(bindparam("dead", expanding=True)))
    .order_by(runs.c.id)
    .with_for_update(key_share=True)
    .cte("orphans")
)
_FREE = (
    update(runs)
    .where(runs.c.id.in_(select(_ORPHANS.c.id)))
    .values(
        FREED
        | {
            "crashes": runs.c.crashes + bindparam("count"),
            "due_at": case(
                *((runs.c.crashes == crashes, now_and(f"after_{crashes}")) for crashes in range(MOST_DOUBLINGS)),
                else_=now_and(f"after_{MOST_DOUBLINGS}"),
            ),
        }
    )
)


def is_any_late(session: ReadSession, skew_seconds: float) -> bool:
    """Whether some process has let its lease run out."""
    return session.execute(_IS_ANY_LATE, {"skew": seconds(skew_seconds)}).first() is not None


def reap(tx: Transaction, *, count_crash: bool, jitter: float) -> int:
    """Declare dead whose lease has run out; says how many runs are free now.

    `count_crash` is off while this process has not yet been alive for long: after an outage of the database everybody
    is late, and nobody has crashed.
    """
    dead = tx.execute(_DECLARE_LATE_DEAD, {"skew": seconds(tx.home.clock.skew_seconds)}).scalars().all()
    return _free(tx, dead, count=int(count_crash), jitter=jitter)


def bury_predecessors(tx: Transaction) -> int:
    """For whoever holds the lock of a SQLite file: all earlier owners are dead, so recovery starts at once."""
    dead = tx.execute(_DECLARE_OTHERS_DEAD, {"me": tx.home.process_id}).scalars().all()
    return _free(tx, dead, count=1, jitter=0.0)


def _free(tx: Transaction, dead: object, *, count: int, jitter: float) -> int:
    if not dead:
        return 0
    bound = {"dead": dead, "count": count} | _due_times(tx.home.clock.skew_seconds, jitter)
    return tx.execute(_FREE, bound).rowcount  # type: ignore[attr-defined, no-any-return] # an UPDATE's result has it


def _due_times(skew_seconds: float, jitter: float) -> dict[str, float]:
    """When a run goes on, by how often a process has died with it before; an innocent of its first crash at once."""
    pauses = [0.0, *(jitter * min(2.0**crashes, LONGEST_PAUSE_SECONDS) for crashes in range(1, MOST_DOUBLINGS + 1))]
    return {f"after_{crashes}": seconds(skew_seconds + pause) for crashes, pause in enumerate(pauses)}
