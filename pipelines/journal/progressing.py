"""How far a step has come: the latest word of the run's owner, kept beside the run for whoever looks."""

import json
from typing import Any

from sqlalchemy import bindparam, update

from pipelines.journal.tables import runs
from pipelines.run import Direction, Progress, Run, RunState
from pipelines.transaction import Transaction

LONGEST_NOTE = 500

# What a former owner or a former step says is out of date: it is not met, and nobody needs to know.
_SAY = (
    update(runs)
    .where(
        runs.c.id == bindparam("of"),
        runs.c.owner == bindparam("mine"),
        runs.c.fence == bindparam("under"),
        runs.c.step == bindparam("at"),
    )
    .values(progress=bindparam("said"))
)


def save(tx: Transaction, run: Run, progress: Progress) -> None:
    """Keep it, unless the run is somebody else's or has gone on; then it is dropped without a word."""
    ours: dict[str, Any] = {"of": run.id, "mine": tx.home.process_id, "under": run.fence, "at": run.step}
    tx.defer(_SAY, ours | {"said": _written(run, progress)})


def shown(progress: str | None, *, step: str, state: RunState) -> Progress | None:
    """What is kept, while the run is where it was said: a step on, it is history, and no move had to clear it."""
    if progress is None:
        return None
    said = json.loads(progress)
    direction = Direction.UNDO if state is RunState.UNDOING else Direction.DO
    is_there = said["step"] == step and (state.is_terminal or said["direction"] == direction)
    return Progress(said["done"], said["total"], said["note"]) if is_there else None


def _written(run: Run, progress: Progress) -> str:
    note = progress.note and progress.note.replace("\x00", "").encode(errors="replace").decode()[:LONGEST_NOTE]
    place = {"step": run.step, "direction": run.direction}
    return json.dumps(place | {"done": progress.done, "total": progress.total, "note": note})
