"""Reports as their owners see them."""

from collections.abc import Sequence
from uuid import UUID

from orders_service.auth import ADMIN, Principal
from orders_service.reports import queries
from orders_service.reports.contents import ReportType, Result, read
from orders_service.reports.errors import ReportNotReady, UnknownReport
from orders_service.reports.making import FINAL_STATE, count
from orders_service.reports.pace import PERCENT
from orders_service.reports.schemas import ReportFiles, ReportProgress, ReportState, ReportView
from orders_service.reports.tables import Report
from orders_service.run_links import RunLink
from orders_service.stored_values import as_stored
from pipelines import ReadSession, RunStanding, RunState, Transaction, standings


def seen_by(session: ReadSession | Transaction, report_id: UUID, principal: Principal, *, with_result: bool) -> Report:
    """Raises `UnknownReport` for a missing one and for somebody else's alike."""
    report = queries.find(session, report_id, with_result=with_result)
    if report is None or not principal.may_see(report.principal):
        raise UnknownReport
    return report


def view_one(session: ReadSession, report_id: UUID, principal: Principal) -> ReportView:
    """The report with its result. Raises `UnknownReport`."""
    report = seen_by(session, report_id, principal, with_result=True)
    (view,) = view_all(session, [report])
    return view.model_copy(update={"result": read(report.result)}) if report.result and view.files else view


def report_behind(session: ReadSession, run_id: UUID) -> ReportView | None:
    """The report that a run makes, for staff; without its result."""
    report = queries.find_by_run(session, run_id)
    return view_all(session, [report])[0] if report is not None else None


def everybodys(session: ReadSession, *, before: UUID | None, most: int) -> list[tuple[str, ReportView]]:
    """For staff: the newest reports, whoever's they are, each with whose it is; without their results."""
    reports = queries.newest(session, principal=None, before=before, most=most)
    return list(zip([report.principal for report in reports], view_all(session, reports), strict=True))


def anybodys(session: ReadSession, report_id: UUID) -> tuple[str, ReportView]:
    """For staff: one report without its result, with whose it is. Raises `UnknownReport`."""
    report = seen_by(session, report_id, ADMIN, with_result=False)
    (view,) = view_all(session, [report])
    return report.principal, view


def view_all(session: ReadSession, reports: Sequence[Report]) -> list[ReportView]:
    """Two statements, however many reports; without their results."""
    runs = standings(session, [report.run_id for report in reports if report.state == ReportState.PENDING])
    return [view_of(report, runs.get(report.run_id)) for report in reports]


def view_of(report: Report, run: RunStanding | None) -> ReportView:
    """While its run is open, what there is to say of a report follows from the run."""
    state = _state(report, run)
    return ReportView(
        **report.model_dump(exclude={"principal", "state", "error", "result", "run_id", "type"}),
        type=as_stored(ReportType, report.type),
        state=state,
        progress=_progress(state, run),
        error=report.error or (run.reason if run is not None and not state.is_open else None),
        result=None,
        files=ReportFiles.of(report.id) if state is ReportState.COMPLETED else None,
        run=RunLink.to(report.run_id),
    )


def result_of(session: ReadSession, report_id: UUID, principal: Principal) -> tuple[Report, Result]:
    """What its files are made of. Raises `UnknownReport` and `ReportNotReady`."""
    report = seen_by(session, report_id, principal, with_result=True)
    if report.state != ReportState.COMPLETED or report.result is None:
        (view,) = view_all(session, [report])
        raise ReportNotReady(view.state)
    return report, read(report.result)


def _state(report: Report, run: RunStanding | None) -> ReportState:
    if report.state != ReportState.PENDING or run is None:
        return as_stored(ReportState, report.state)
    if run.ending is not None:  # decided, and on its way
        return FINAL_STATE[run.ending]
    has_begun = run.state is RunState.RUNNING or run.attempt > 0 or run.step != count.__name__
    return ReportState.RUNNING if has_begun else ReportState.PENDING


def _progress(state: ReportState, run: RunStanding | None) -> ReportProgress | None:
    if state is ReportState.COMPLETED:
        return ReportProgress(done=PERCENT, total=PERCENT)
    if not state.is_open:
        return None
    said = run.progress if run is not None else None
    return ReportProgress(done=said.done if said is not None else 0, total=PERCENT)
