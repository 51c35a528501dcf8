"""Reads a multipart form as strictly as JSON is read, and not before its sender has been asked who it is."""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

from fastapi import Request
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect

from orders_service.problems import Flaw, Problem
from orders_service.strict_json import has_control_characters

FORM_OVERHEAD_BYTES = 16 * 1024
"""What a form may have beside its file: boundaries and the headers of parts."""

_MOST_PARTS = 4  # of each kind: enough to say what is wrong with a form that has too many
_FIELD_BYTES = 1024


@asynccontextmanager
async def only_file(request: Request, *, field: str = "file") -> AsyncIterator[UploadFile]:
    """The one file of a form that holds nothing else. Its temporary file goes with the block, however that ends.

    To be called by an endpoint that has checked all else. A declared `UploadFile` is read by FastAPI before the
    credential is, so that anybody could fill the disk. Raises problems: 400, 413, 415, 422.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "multipart/form-data":
        raise Problem("unsupported-media-type", "The body has to be multipart/form-data.")
    form = await _read(request)
    try:
        yield _the_only(form, field)
    finally:
        await form.close()


def described(field: str, what: str, *, example: str = "(the bytes of the file)") -> dict[str, Any]:
    """For `openapi_extra=` of the route."""
    schema = {
        "type": "object",
        "required": [field],
        "properties": {field: {"type": "string", "format": "binary", "description": what}},
        "additionalProperties": False,
    }
    content = {"multipart/form-data": {"schema": schema, "example": {field: example}}}
    return {"requestBody": {"required": True, "content": content}}


class _Form(MultiPartParser):
    """Starlette's, which takes a form without its end for a whole one, and forgets the file that it was in."""

    is_whole = False

    def on_end(self) -> None:
        self.is_whole = True

    def close(self) -> None:
        for file in self._files_to_close_on_error:
            file.close()


async def _read(request: Request) -> FormData:
    """When it raises, what it had opened is closed."""
    async with aclosing(request.stream()) as stream:
        parts = _Form(
            request.headers, stream, max_files=_MOST_PARTS, max_fields=_MOST_PARTS, max_part_size=_FIELD_BYTES
        )
        try:
            form = await parts.parse()
        except (MultiPartException, ValueError):  # the second of a charset that the client has chosen for the names
            raise Problem("malformed-request", "The form cannot be read.") from None
        except ClientDisconnect:  # nobody reads the answer, but it is no failure of ours
            raise Problem("malformed-request", "The form has no end.") from None
    if not parts.is_whole:
        parts.close()
        raise Problem("malformed-request", "The form has no end.")
    return form


def _the_only(form: FormData, field: str) -> UploadFile:
    values = form.getlist(field)
    if len(values) < len(form.multi_items()):
        raise _refused("", "A form field is not known here")
    if not values:
        raise _refused(f"/{field}", "Field required")
    if len(values) > 1:
        raise _refused(f"/{field}", "Input should be one file")
    [file] = values
    if not isinstance(file, UploadFile):
        raise _refused(f"/{field}", "Input should be a file")
    if has_control_characters(file.filename or ""):
        raise _refused(f"/{field}", "The file's name should not contain control characters")
    return file


def _refused(pointer: str, message: str) -> Problem:
    return Problem("invalid-request", errors=[Flaw(location="body", pointer=pointer, message=message)])
