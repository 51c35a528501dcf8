"""A process of another machine that has died: its row is late, and runs are still in its name."""

from uuid import UUID, uuid4

from sqlalchemy import case, insert, update

from pipelines import RunState, Transaction
from pipelines.journal import reaping
from pipelines.journal.dialects import now_and
from pipelines.journal.tables import processes, runs
from pipelines.testing import Rehearsal

HOST, PID = "elsewhere", 4711


async def died_with(stage: Rehearsal, *owned: UUID, alone: UUID | None = None, count: bool = True) -> reaping.Reaped:
    """A process that owned these runs has died, the one that was alone among them too, and was reaped."""
    await stage.write(_own, [*owned, *([alone] if alone else [])], alone)
    return await stage.write(reaping.reap, count_crash=count, jitter=0.0)


def _own(tx: Transaction, owned: list[UUID], alone: UUID | None) -> None:
    dead = uuid4()
    row = {"id": dead, "host": HOST, "pid": PID, "started_at": tx.home.clock.now(), "late": -60.0}
    tx.execute(insert(processes).values(lease_until=now_and("late"), commit_seq=7, state="live"), row)
    state = case((runs.c.state.in_(("undoing", "quarantined")), runs.c.state), else_=RunState.RUNNING)
    tx.execute(update(runs).where(runs.c.id.in_(owned)).values(owner=dead, state=state, solo=runs.c.id == alone))
