"""A report is taken back while it is being made: the counting stops at the next slice, and nobody is told."""

from uuid import UUID

from orders_service import audit
from orders_service.audit import Note
from orders_service.auth import Principal
from orders_service.reports.errors import ReportHasEnded
from orders_service.reports.schemas import ReportState, ReportView
from orders_service.reports.viewing import seen_by, view_of
from pipelines import Transaction, cancel

REASON = "cancelled on request"


def cancel_report(tx: Transaction, report_id: UUID, principal: Principal, note: Note) -> ReportView:
    """Decide that it ends `cancelled`. Raises `UnknownReport`, `ReportHasEnded`, or the run's `StateConflict`."""
    report = seen_by(tx, report_id, principal, with_result=False)
    if report.state != ReportState.PENDING:
        raise ReportHasEnded(report.state)
    cancel(tx, report.run_id, reason=REASON)
    audit.record(tx, note)
    view = view_of(report, None)
    return view.model_copy(update={"state": ReportState.CANCELLED, "progress": None, "error": REASON})
