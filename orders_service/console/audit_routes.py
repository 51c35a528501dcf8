"""The audit: who did what to what, when, and how it was before."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse

from orders_service import audit
from orders_service.auth import Scope
from orders_service.console.audit import AuditForm, AuditRow
from orders_service.console.page_route import PageRoute
from orders_service.console.pages import add_headers, page
from orders_service.console.visits import Visit, Visiting
from orders_service.database import Reading, process_of

router = APIRouter(prefix="/console", route_class=PageRoute, include_in_schema=False)

Auditing = Annotated[Visit, Depends(Visiting(Scope.AUDIT_READ))]
Asked = Annotated[AuditForm, Query()]


@router.get("/audit")
def audit_entries(request: Request, visit: Auditing, session: Reading, asked: Asked) -> Response:
    """What matches, newest first."""
    found = audit.page_of(session, asked.filter)
    rows = [AuditRow.of(entry) for entry in found.items]
    return page(request, "audit.html", visit, rows=rows, next=found.next, asked=asked, most=audit.MOST_EXPORTED)


@router.get("/audit.csv")
def export_audit(request: Request, _: Auditing, asked: Asked) -> Response:
    """The same as a file, for a spreadsheet or an archive; page by page, so that it may be long."""
    lines = audit.as_csv(process_of(request).readers, asked.filter)
    response = StreamingResponse(lines, media_type="text/csv; charset=utf-8")
    add_headers(response.headers)
    response.headers["Content-Disposition"] = 'attachment; filename="audit.csv"'
    return response
