"""Runs of other releases, as they stand in a database."""

from uuid import uuid4

from sqlalchemy import insert

from pipelines.journal.tables import runs
from pipelines.testing import VirtualClock
from tests.harness import schemas


def stand(url: str, *, pipeline: str, step: str, version: str = "a1b2", payload: str = "{}") -> None:
    """One run waits there, to be carried on by whoever knows how."""
    now = VirtualClock().now()
    counts = dict.fromkeys(("fence", "generation", "attempt", "errors", "crashes", "solo_deaths"), 0)
    row = {"id": uuid4(), "pipeline": pipeline, "version": version, "state": "ready", "step": step, "payload": payload}
    times = {"due_at": now, "created_at": now, "step_since": now}
    with schemas.connected(url) as connection:
        connection.execute(insert(runs), row | counts | times | {"solo": False})
