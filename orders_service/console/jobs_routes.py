"""Imports and reports: how far they have come, what came of them, and stopping them.

Whoever looks at background work sees all of them, but the data in them only as far as their credential goes.
"""

from collections.abc import Callable
from typing import Annotated, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from orders_service import imports, reports
from orders_service.audit import Auditor
from orders_service.auth import ADMIN, Forbidden, Scope
from orders_service.console.page_route import PageRoute
from orders_service.console.pages import page, to_page
from orders_service.console.visits import Acting, Visit, Visitor
from orders_service.database import Reading, process_of
from orders_service.imports import ImportView
from orders_service.pages import cursor_after, place_of
from orders_service.reports import ReportView
from pipelines import ReadSession

Job = TypeVar("Job", ImportView, ReportView)

router = APIRouter(prefix="/console/jobs", route_class=PageRoute, include_in_schema=False)

ON_A_PAGE = 20
MOST_COMPLAINTS = 50
_DONE = {"cancelled": "Cancelled. It stops within moments; what was done so far stays."}
_IMPORTS, _REPORTS = "imports of the console", "reports of the console"

Cursor = Annotated[str | None, Query(max_length=500)]
Done = Annotated[str, Query(max_length=20)]


@router.get("")
def jobs(
    request: Request,
    visit: Visitor,
    session: Reading,
    *,
    older_imports: Cursor = None,
    older_reports: Cursor = None,
    done: Done = "",
) -> Response:
    """The newest imports and reports, or older ones."""
    here = {"older_imports": older_imports, "older_reports": older_reports}
    some_imports, next_imports = _part(imports.everybodys, session, older_imports, under=_IMPORTS)
    some_reports, next_reports = _part(reports.everybodys, session, older_reports, under=_REPORTS)
    return page(
        request,
        "jobs.html",
        visit,
        imports=some_imports,
        reports=some_reports,
        here=_query(here),
        after_imports=_query(here | {"older_imports": next_imports}) if next_imports else None,
        after_reports=_query(here | {"older_reports": next_reports}) if next_reports else None,
        any_open=any(each.is_open for _, each in some_imports) or any(each.state.is_open for _, each in some_reports),
        message=_DONE.get(done),
    )


@router.get("/imports/{import_id}")
def order_import(import_id: UUID, request: Request, visit: Visitor, session: Reading, done: Done = "") -> Response:
    """One import, and the first of what was wrong in its file."""
    owner, shown = imports.anybodys(session, import_id)
    may_read = _may_read(visit, Scope.IMPORTS, owner)
    complaints = imports.first_complaints(session, import_id, MOST_COMPLAINTS) if may_read else []
    return page(
        request,
        "import.html",
        visit,
        job=shown,
        owner=owner,
        may_read=may_read,
        complaints=complaints,
        most_complaints=MOST_COMPLAINTS,
        message=_DONE.get(done),
    )


@router.get("/imports/{import_id}/errors", response_class=StreamingResponse)
def download_errors(import_id: UUID, request: Request, visit: Visitor, session: Reading) -> StreamingResponse:
    """All that was wrong, as CSV."""
    owner, _ = imports.anybodys(session, import_id)
    _see_that_they_may_read(visit, Scope.IMPORTS, owner)
    named = {
        "Content-Disposition": f'attachment; filename="import-{import_id}-errors.csv"',
        "Cache-Control": "private, no-store",
    }
    lines = imports.all_complaints(process_of(request).readers, import_id)
    return StreamingResponse(lines, headers=named, media_type="text/csv")


@router.post("/imports/{import_id}/cancel")
async def cancel_import(import_id: UUID, request: Request, _: Acting, auditor: Auditor) -> Response:
    """Stop it, whoever's it is: operators may cancel any run."""
    note = auditor("import_cancelled", import_id)
    await process_of(request).write(imports.cancel_import, import_id, ADMIN, note)
    return _back(request, f"imports/{import_id}")


@router.get("/reports/{report_id}")
def report(report_id: UUID, request: Request, visit: Visitor, session: Reading, done: Done = "") -> Response:
    """One report, with its figures."""
    owner, shown = reports.anybodys(session, report_id)
    may_read = _may_read(visit, Scope.REPORTS, owner)
    has_result = may_read and shown.files is not None
    sections = reports.sections_of(reports.result_of(session, report_id, ADMIN)[1]) if has_result else []
    return page(
        request,
        "report.html",
        visit,
        job=shown,
        owner=owner,
        may_read=may_read,
        sections=sections,
        formats=tuple(reports.FileFormat),
        message=_DONE.get(done),
    )


@router.get("/reports/{report_id}/file")
def report_file(
    report_id: UUID,
    visit: Visitor,
    session: Reading,
    format: reports.FileFormat = reports.FileFormat.HTML,  # noqa: A002 - the name in the URL
) -> Response:
    """The report as a page with charts, which brings its own style; as a table; or as JSON."""
    owner, _ = reports.anybodys(session, report_id)
    _see_that_they_may_read(visit, Scope.REPORTS, owner)
    file = reports.rendered(*reports.result_of(session, report_id, ADMIN), format)
    return Response(file.body, headers=file.headers)


@router.post("/reports/{report_id}/cancel")
async def cancel_report(report_id: UUID, request: Request, _: Acting, auditor: Auditor) -> Response:
    """Take it back, whoever's it is: operators may cancel any run."""
    note = auditor("report_cancelled", report_id)
    await process_of(request).write(reports.cancel_report, report_id, ADMIN, note)
    return _back(request, f"reports/{report_id}")


def _part(
    find: Callable[..., list[tuple[str, Job]]], session: ReadSession, cursor: str | None, *, under: str
) -> tuple[list[tuple[str, Job]], str | None]:
    """So many of them, and where to go on."""
    found = find(session, before=place_of(cursor, under=under), most=ON_A_PAGE + 1)
    shown = found[:ON_A_PAGE]
    return shown, cursor_after(shown[-1][1].id, under=under) if len(found) > ON_A_PAGE else None


def _may_read(visit: Visit, scope: Scope, owner: str) -> bool:
    """As the API has it: with the scope, and what is somebody else's only as an admin."""
    return visit.principal.may(scope) and visit.principal.may_see(owner)


def _see_that_they_may_read(visit: Visit, scope: Scope, owner: str) -> None:
    if not _may_read(visit, scope, owner):
        raise Forbidden


def _query(fields: dict[str, str | None]) -> str:
    given = {name: value for name, value in fields.items() if value is not None}
    return f"?{urlencode(given)}" if given else ""


def _back(request: Request, to: str) -> Response:
    return to_page(request, f"/console/jobs/{to}?done=cancelled")
