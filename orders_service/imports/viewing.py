"""Imports as their owners see them."""

from uuid import UUID

from orders_service.auth import ADMIN, Principal
from orders_service.imports import queries
from orders_service.imports.errors import UnknownImport
from orders_service.imports.schemas import ImportProgress, ImportState, ImportView
from orders_service.imports.tables import OrderImport
from orders_service.run_links import RunLink
from orders_service.stored_values import as_stored
from pipelines import ReadSession, Transaction


def found(session: ReadSession | Transaction, import_id: UUID, principal: Principal) -> OrderImport:
    """Raises `UnknownImport` for a missing one and for somebody else's alike."""
    row = queries.find(session, import_id)
    if row is None or not principal.may_see(row.principal):
        raise UnknownImport
    return row


def import_behind(session: ReadSession, run_id: UUID) -> ImportView | None:
    """The import that a run works for, for staff."""
    row = queries.find_by_run(session, run_id)
    return view_of(row) if row is not None else None


def everybodys(session: ReadSession, *, before: UUID | None, most: int) -> list[tuple[str, ImportView]]:
    """For staff: the newest imports, whoever's they are, each with whose it is."""
    return [(row.principal, view_of(row)) for row in queries.newest(session, principal=None, before=before, most=most)]


def anybodys(session: ReadSession, import_id: UUID) -> tuple[str, ImportView]:
    """For staff: one import, with whose it is. Raises `UnknownImport`."""
    row = found(session, import_id, ADMIN)
    return row.principal, view_of(row)


def view_of(row: OrderImport, state: ImportState | None = None, reason: str | None = None) -> ImportView:
    """As it is; or in the state that was decided in this very transaction."""
    return ImportView(
        id=row.id,
        state=state or as_stored(ImportState, row.state),
        reason=reason or row.reason,
        file_name=row.file_name,
        progress=ImportProgress(done=row.rows_done, total=row.rows_total),
        orders=row.orders,
        failed_rows=row.failed_rows,
        errors_url=f"/v1/imports/{row.id}/errors",
        created_at=row.created_at,
        finished_at=row.finished_at,
        run=RunLink.to(row.run_id),
    )
