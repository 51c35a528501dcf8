"""Who did what to runs and pipelines, written in the transaction of the change: neither is there without the other."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, insert, select, update
from uuid_utils.compat import uuid7

from pipelines.journal.tables import interventions
from pipelines.transaction import ReadSession, Transaction

LONGEST_ACTOR = 200

_INSERT = insert(interventions)
_COUNT = update(interventions).where(interventions.c.id == bindparam("of")).values(details=bindparam("says"))
_SAID = select(interventions.c.details).where(interventions.c.id == bindparam("of"))
_OF_RUN = (
    select(interventions)
    .where(interventions.c.run_id == bindparam("of"))
    .order_by(interventions.c.at, interventions.c.id)
)
_LATEST = select(interventions).order_by(interventions.c.id.desc()).limit(bindparam("most"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Intervention:
    """What somebody did: to one run, to one pipeline, or to many runs at once."""

    id: UUID
    at: datetime
    actor: str
    action: str
    pipeline: str | None
    run_id: UUID | None
    details: Mapping[str, Any]


def record(
    tx: Transaction,
    actor: str,
    action: str,
    *,
    pipeline: str | None = None,
    run_id: UUID | None = None,
    details: Mapping[str, Any] | None = None,
    under: UUID | None = None,
) -> UUID:
    """Write down who did it; what has no value is left out. `under` is its id, where somebody has to find it again."""
    row_id = under or uuid7()
    row = {"id": row_id, "at": tx.home.clock.now(), "actor": actor[:LONGEST_ACTOR], "action": action}
    tx.defer(_INSERT, row | {"pipeline": pipeline, "run_id": run_id, "details": _stored(details or {})})
    return row_id


def amend(tx: Transaction, intervention_id: UUID, details: Mapping[str, Any]) -> None:
    """Say how far an action on many runs has come."""
    tx.defer(_COUNT, {"of": intervention_id, "says": _stored(details)})


def said(tx: Transaction, intervention_id: UUID) -> Mapping[str, Any] | None:
    """What was written down under this id; nothing if nothing was."""
    details = tx.execute(_SAID, {"of": intervention_id}).scalar_one_or_none()
    return json.loads(details) if details is not None else None


def of_run(session: ReadSession, run_id: UUID) -> list[Intervention]:
    """What was done to this run by name, oldest first; an action on many runs names none of them."""
    return [_read(row) for row in session.execute(_OF_RUN, {"of": run_id}).mappings()]


def latest(session: ReadSession, most: int) -> list[Intervention]:
    """What was done last, newest first."""
    return [_read(row) for row in session.execute(_LATEST, {"most": most}).mappings()]


def _stored(details: Mapping[str, Any]) -> str:
    return json.dumps({name: value for name, value in details.items() if value is not None})


def _read(row: Mapping[Any, Any]) -> Intervention:
    return Intervention(**{**row, "details": json.loads(row["details"] or "{}")})
