"""The HTTP face of imports."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from orders_service import uploads
from orders_service.audit import Auditor
from orders_service.auth import Allowed, Principal, Scope
from orders_service.database import Reading, process_of
from orders_service.forms import only_file
from orders_service.idempotency import IdempotencyKey, once_key
from orders_service.ids import new_id
from orders_service.imports import queries
from orders_service.imports.arriving import FORM, MOST_BYTES, examined, name_of
from orders_service.imports.cancelling import cancel_import as cancel
from orders_service.imports.complaints import complaints
from orders_service.imports.schemas import ImportList, ImportView
from orders_service.imports.starting import NewImport, start_import
from orders_service.imports.viewing import found, view_of
from orders_service.pages import Page, cursor_after, place_of
from orders_service.problems import responses
from orders_service.strict_json import StrictRoute
from orders_service.subjects import note_subject

router = APIRouter(
    prefix="/v1/imports", tags=["imports"], route_class=StrictRoute, responses=responses(401, 403, 422, 503)
)
Importer = Annotated[Principal, Allowed(Scope.IMPORTS)]
RETRY_AFTER = {"Retry-After": "2"}
_CSV: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Everything quoted, and nothing a formula.",
        "content": {"text/csv": {"schema": {"type": "string"}}},
    }
}


@router.post(
    "", status_code=202, response_model=ImportView, responses=responses(400, 408, 409, 413, 415), openapi_extra=FORM
)
async def create_import(
    request: Request, principal: Importer, auditor: Auditor, idempotency_key: IdempotencyKey = None
) -> Response:
    """Import a CSV file of orders. It is on disk when this answers; its orders are placed in the background.

    The rows of one `order_ref` stand together and are one order. The first of them names customer and address; the
    others repeat that or leave it empty. An order whose rows are wrong is left out and told of in the errors; a file
    that is not UTF-8, is cut off, or has more than 100,000 rows, is refused whole. With an `Idempotency-Key` the same
    file is imported once.
    """
    once = once_key(request, principal, idempotency_key)
    process, import_id = process_of(request), new_id()
    async with only_file(request) as file:
        content = await examined(file)
        async with uploads.received(process, file, most_bytes=MOST_BYTES) as upload:
            new = NewImport(
                id=import_id,
                principal=principal.id,
                content=content,
                upload=upload,
                file_name=name_of(file),
                note=auditor("import_started", import_id),
            )
            answer = await process.write(start_import, new, once)
    shown = ImportView.model_validate_json(answer.body)
    note_subject(request, run_id=shown.run.id)
    return answer.response({"Location": f"/v1/imports/{shown.id}", **RETRY_AFTER})


@router.get("")
def list_imports(session: Reading, principal: Importer, which: Annotated[ImportList, Query()]) -> Page[ImportView]:
    """List imports, newest first; an admin sees everybody's."""
    mine = None if principal.is_admin else principal.id
    under = f"imports of {mine}"
    before = place_of(which.cursor, under=under)
    rows = queries.newest(session, principal=mine, before=before, most=which.limit + 1)
    shown = rows[: which.limit]
    more = cursor_after(shown[-1].id, under=under) if len(rows) > which.limit else None
    return Page(items=[view_of(row) for row in shown], next=more)


@router.get("/{import_id}", responses=responses(404))
def get_import(import_id: UUID, session: Reading, principal: Importer, response: Response) -> ImportView:
    """Show an import, and how far it has come. While it runs, `Retry-After` says when to ask again."""
    shown = view_of(found(session, import_id, principal))
    if shown.is_open:
        response.headers.update(RETRY_AFTER)
    return shown


@router.get("/{import_id}/errors", response_class=StreamingResponse, responses={**_CSV, **responses(404)})
def download_errors(import_id: UUID, session: Reading, principal: Importer, request: Request) -> StreamingResponse:
    """Download what was wrong, row by row, as CSV: those of the rows that have been read so far."""
    found(session, import_id, principal)
    named = {"Content-Disposition": f'attachment; filename="import-{import_id}-errors.csv"'}
    return StreamingResponse(complaints(process_of(request).readers, import_id), headers=named, media_type="text/csv")


@router.post("/{import_id}/cancel", responses=responses(404, 409))
async def cancel_import(import_id: UUID, principal: Importer, auditor: Auditor, request: Request) -> ImportView:
    """Stop an import. The orders that were placed so far stay."""
    return await process_of(request).write(cancel, import_id, principal, auditor("import_cancelled", import_id))
