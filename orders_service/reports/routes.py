"""The HTTP face of reports."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from orders_service.audit import Auditor
from orders_service.auth import Allowed, Principal, Scope
from orders_service.database import Reading, process_of
from orders_service.idempotency import IdempotencyKey, once_key
from orders_service.ids import new_id
from orders_service.pages import Page, cursor_after, place_of
from orders_service.preconditions import IfNoneMatch, is_known
from orders_service.problems import responses
from orders_service.reports import queries
from orders_service.reports.cancelling import cancel_report as cancel
from orders_service.reports.rendering import rendered
from orders_service.reports.requesting import request_report
from orders_service.reports.schemas import ReportDraft, ReportList, ReportView, WantedFile
from orders_service.reports.viewing import result_of, view_all, view_one
from orders_service.strict_json import StrictRoute
from orders_service.subjects import note_subject

router = APIRouter(
    prefix="/v1/reports", tags=["reports"], route_class=StrictRoute, responses=responses(401, 403, 422, 503)
)

ASK_AGAIN = {"Retry-After": "1"}
NOT_MODIFIED = 304
Reporter = Annotated[Principal, Allowed(Scope.REPORTS)]
_FILES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file.",
        "content": {
            "text/csv": {"schema": {"type": "string"}},
            "text/html": {"schema": {"type": "string"}},
            "application/json": {"schema": {"type": "object"}},
        },
    },
    304: {"description": "The copy that `If-None-Match` names is still good."},
}


@router.post("", status_code=202, response_model=ReportView, responses=responses(400, 409, 413, 415))
async def create_report(
    draft: ReportDraft,
    principal: Reporter,
    auditor: Auditor,
    request: Request,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Have a report made in the background: sales by day and by product, the stock, or the customers.

    It covers whole days of the time zone, `from` and `to` included, or moments, of which `to` is not included. Sold is
    what is completed, shipped or delivered; an order counts on the day on which it was placed. Ask for the report at
    `Location` until its state is final. With an `Idempotency-Key` the request can be repeated.
    """
    once = once_key(request, principal, idempotency_key)
    note = auditor("report_requested", new_id())
    requested = await process_of(request).write(request_report, draft, once, principal.id, note)
    note_subject(request, run_id=requested.run_id)
    return requested.answer.response({"Location": f"/v1/reports/{requested.report_id}", **ASK_AGAIN})


@router.get("")
def list_reports(session: Reading, principal: Reporter, which: Annotated[ReportList, Query()]) -> Page[ReportView]:
    """List reports without their results, newest first; an admin sees everybody's."""
    mine = None if principal.is_admin else principal.id
    under = f"reports of {mine}"
    before = place_of(which.cursor, under=under)
    reports = queries.newest(session, principal=mine, before=before, most=which.limit + 1)
    shown = reports[: which.limit]
    more = cursor_after(shown[-1].id, under=under) if len(reports) > which.limit else None
    return Page(items=view_all(session, shown), next=more)


@router.get("/{report_id}", responses=responses(404))
def get_report(report_id: UUID, session: Reading, principal: Reporter, response: Response) -> ReportView:
    """Show a report, how far it has come, and its result; `Retry-After` while it is open."""
    view = view_one(session, report_id, principal)
    if view.state.is_open:
        response.headers.update(ASK_AGAIN)
    return view


@router.get("/{report_id}/file", response_class=Response, responses=_FILES | responses(404, 409))
def get_report_file(
    report_id: UUID,
    session: Reading,
    principal: Reporter,
    which: Annotated[WantedFile, Query()],
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Download a report that is completed: a CSV table, a page with charts, or the result as JSON.

    The page needs nothing from elsewhere. In the table `minor_units` are whole numbers for programs; a text that a
    spreadsheet would take for a formula has a `'` before it.
    """
    file = rendered(*result_of(session, report_id, principal), which.format)
    headers = file.headers
    if is_known(if_none_match, file.tag):
        return Response(status_code=NOT_MODIFIED, headers={name: headers[name] for name in ("ETag", "Cache-Control")})
    return Response(file.body, headers=headers)


@router.post("/{report_id}/cancel", responses=responses(404, 409))
async def cancel_report(report_id: UUID, principal: Reporter, auditor: Auditor, request: Request) -> ReportView:
    """Take a report back while it is being made. The counting stops soon, and nobody gets a mail."""
    note = auditor("report_cancelled", report_id)
    return await process_of(request).write(cancel, report_id, principal, note)
