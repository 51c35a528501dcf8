"""Writing an entry: in the transaction of the change, so that there is neither one without the other."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from orders_service.audit import queries
from orders_service.audit.notes import Note
from orders_service.ids import new_id
from pipelines import Transaction


def record(
    tx: Transaction,
    note: Note,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    outcome: str = "done",
) -> None:
    """Commit the note together with the change. `before` and `after` are what changed, as plain JSON values.

    Never hand in a secret, a password or a body as it was sent: an entry cannot be taken back.
    """
    said = asdict(note)
    if (via := said.pop("via")) is not None:
        after = {**(after or {}), "via": via}  # it has no column of its own
    changed = {
        "before": dict(before) if before is not None else None,
        "after": dict(after) if after is not None else None,
    }
    queries.add(tx, {"id": new_id(), "at": tx.home.clock.now(), **said, **changed, "outcome": outcome})
