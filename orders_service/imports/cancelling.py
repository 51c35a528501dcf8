"""An import is stopped: what was placed stays, and nothing more comes of the file."""

from uuid import UUID

from orders_service import audit
from orders_service.auth import Principal
from orders_service.imports import queries
from orders_service.imports.errors import ImportEnded
from orders_service.imports.schemas import ImportState, ImportView
from orders_service.imports.viewing import found, view_of
from pipelines import Transaction, cancel

REASON = "cancelled on request"


def cancel_import(tx: Transaction, import_id: UUID, principal: Principal, note: audit.Note) -> ImportView:
    """From its COMMIT on no order comes of the file. Raises `ImportEnded`, or `StateConflict` in a race."""
    row = found(tx, import_id, principal)
    if row.state != ImportState.RUNNING:
        raise ImportEnded(row.state)
    cancel(tx, row.run_id, reason=REASON)
    queries.stop(tx, row.id, REASON)
    audit.record(tx, note, before={"state": row.state}, after={"state": ImportState.CANCELLED, "orders": row.orders})
    return view_of(row, ImportState.CANCELLED, REASON)
