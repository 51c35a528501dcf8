"""The HTTP face of pictures."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from orders_service import inventory, uploads
from orders_service.audit import Auditor
from orders_service.auth import Allowed, CurrentPrincipal, Principal, Scope
from orders_service.database import Reading, hold_still, process_of
from orders_service.forms import described, only_file
from orders_service.images import queries
from orders_service.images.accepting import accept_image
from orders_service.images.errors import NoProductToShow
from orders_service.images.inspection import JPEG, WEBP, Seen, look_at
from orders_service.images.removing import remove_image
from orders_service.images.schemas import LARGEST_WIDTH, MOST_IMAGE_BYTES, ImageStatus, image_url
from orders_service.images.viewing import fitting, status_of
from orders_service.preconditions import IfNoneMatch, is_known
from orders_service.problems import responses
from orders_service.strict_json import StrictRoute
from orders_service.subjects import note_subject
from pipelines import Process, ReadSession

router = APIRouter(
    prefix="/v1/products/{sku}/image",
    tags=["images"],
    route_class=StrictRoute,
    responses=responses(401, 404, 422, 503),
)

_FILE = described("file", "At most 10 MiB: a JPEG of 25, a PNG of 16 or a WebP of 12 million pixels.")
_BYTES: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
_SHOWN: dict[int | str, dict[str, Any]] = {
    200: {"description": "The picture, encoded by us.", "content": {JPEG: _BYTES, WEBP: _BYTES}},
    304: {"description": "It is still the one that `If-None-Match` names."},
}

Maintainer = Annotated[Principal, Allowed(Scope.CATALOG_WRITE)]


@router.put("", status_code=202, responses=responses(400, 403, 408, 413, 415), openapi_extra=_FILE)
async def replace_image(
    sku: inventory.Sku, principal: Maintainer, auditor: Auditor, request: Request, response: Response
) -> ImageStatus:
    """Give a product a picture. It is kept when this answers; the sizes in which it is shown are made afterwards.

    What it is is judged by its content. It is turned upright, and all that cannot be seen is left out. Until it is
    ready the picture before it is shown; if it turns out to be broken, that one stays, and `reason` says why.
    """
    process = process_of(request)
    await run_in_threadpool(_check_product, process, sku)  # before anything of the body is read
    note = auditor("product_image_uploaded", sku)
    async with only_file(request) as file:
        seen = await run_in_threadpool(_look_at, file)
        async with uploads.received(process, file, most_bytes=MOST_IMAGE_BYTES) as stored:
            status = await process.write(accept_image, sku, stored, seen, principal=principal.id, note=note)
    note_subject(request, run_id=status.run.id)
    response.headers.update({"Location": image_url(sku), "Retry-After": "1"})
    return status


@router.get("", response_class=Response, responses={**_SHOWN})
def get_image(
    sku: inventory.Sku,
    session: Reading,
    principal: CurrentPrincipal,  # noqa: ARG001 - asked for its effect
    width: Annotated[int | None, Query(ge=1, le=LARGEST_WIDTH, description="In pixels.")] = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Show the picture of a product, in the smallest size that is as wide as asked for, or the largest there is."""
    hold_still(session)  # the tag and the bytes are of the same picture, whatever takes its place meanwhile
    found = fitting(session, sku, width)
    headers = {"ETag": found.etag, "Cache-Control": "private, no-cache"}
    if is_known(if_none_match, found.etag):
        return Response(status_code=304, headers=headers)
    headers["Content-Disposition"] = f'inline; filename="{found.file_name}"'
    headers["Content-Security-Policy"] = "default-src 'none'"
    return Response(queries.content(session, sku, found.size.width), 200, headers, found.size.media_type)


@router.get("/status", responses=responses(403))
def get_image_status(
    sku: inventory.Sku,
    session: Reading,
    principal: Maintainer,  # noqa: ARG001 - asked for its effect
) -> ImageStatus:
    """Show what has become of the picture that was sent last, and which one is shown."""
    return status_of(session, sku)


@router.delete("", status_code=204, response_class=Response, responses=responses(403))
async def remove_product_image(
    sku: inventory.Sku,
    principal: Maintainer,  # noqa: ARG001 - asked for its effect
    auditor: Auditor,
    request: Request,
) -> None:
    """Take down the picture of a product, and whatever was sent before and is still being prepared."""
    await process_of(request).write(remove_image, sku, auditor("product_image_removed", sku))


def _check_product(process: Process, sku: str) -> None:
    with ReadSession(process.readers) as session:
        if not inventory.exists(session, sku):
            raise NoProductToShow


def _look_at(file: UploadFile) -> Seen:
    return look_at(file.file, file.content_type)
