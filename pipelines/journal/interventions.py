"""Who did what to a run, a pipeline or a schedule: one row, in the transaction of the change."""

from uuid import UUID

from sqlalchemy import insert
from uuid_utils.compat import uuid7

from pipelines.journal.tables import interventions
from pipelines.transaction import Transaction

LONGEST_ACTOR = 200

_RECORD = insert(interventions)


def record(
    tx: Transaction,
    actor: str,
    action: str,
    *,
    pipeline: str | None = None,
    run_id: UUID | None = None,
    details: str | None = None,
) -> None:
    """Write down who did what."""
    what = {"action": action, "pipeline": pipeline, "run_id": run_id, "details": details}
    tx.defer(_RECORD, {"id": uuid7(), "at": tx.home.clock.now(), "actor": actor[:LONGEST_ACTOR]} | what)
