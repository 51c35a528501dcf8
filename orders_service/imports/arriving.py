"""A file on its way in: out of the form, and judged by its first bytes before anything is stored."""

import asyncio
import hashlib
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, BinaryIO

from fastapi import Request, UploadFile
from pydantic import BaseModel, ConfigDict
from starlette.datastructures import FormData
from starlette.datastructures import UploadFile as FormFile
from starlette.requests import ClientDisconnect

from orders_service.imports.errors import NotCsv
from orders_service.imports.records import LONGEST_LINE, Records, check_header
from orders_service.problems import Flaw, Problem

MOST_BYTES = 25 * 1024 * 1024
MOST_ROWS = 100_000
FORM_BYTES = 64 * 1024  # what the form around the file may take
LONGEST_NAME = 200

FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "additionalProperties": False,
                    "properties": {"file": {"type": "string", "contentMediaType": "text/csv"}},
                },
                "examples": {
                    "one order of two products": {
                        "value": {
                            "file": "order_ref,customer_email,sku,quantity,name,line1,line2,city,postal_code,country\n"
                            "A-1,ada@example.com,LAMP-01,2,Ada,12 St James's Square,,London,SW1Y 4JH,GB\n"
                            "A-1,,MUG-01,1,,,,,,\n"
                        }
                    }
                },
            }
        },
    }
}
_FOREIGN = {
    b"\x1f\x8b": "gzip",
    b"PK\x03\x04": "a ZIP archive or a workbook",
    b"\x28\xb5\x2f\xfd": "Zstandard",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"\xd0\xcf\x11\xe0": "a workbook",
}


class ArrivedFile(BaseModel):
    """What a request to import is about, for its `Idempotency-Key`: the content, whatever the file is called."""

    model_config = ConfigDict(frozen=True)

    sha256: str


@asynccontextmanager
async def file_in(request: Request) -> AsyncIterator[UploadFile]:
    """The file of the form, spooled to disk beyond a megabyte, and gone when the block ends, however it ends.

    Read here and not by the framework, which would do it before it asks who is there.
    """
    if request.headers.get("content-type", "").lower().partition(";")[0].strip() != "multipart/form-data":
        raise Problem("unsupported-media-type", "The body has to be multipart/form-data with a field `file`.")
    try:
        form = await request.form(max_files=2, max_fields=10, max_part_size=FORM_BYTES)
    except ClientDisconnect:
        raise Problem("malformed-request", "The body ended early.") from None
    try:
        yield _only_file(form)
    finally:
        await asyncio.shield(form.close())


def _only_file(form: FormData) -> UploadFile:
    match form.multi_items():
        case [("file", FormFile() as file)]:
            return UploadFile(file.file, size=file.size, filename=file.filename, headers=file.headers)
    flaw = Flaw(location="body", pointer="/file", message="One file, sent under this name, and nothing else")
    raise Problem("invalid-request", "The form has to hold one file.", errors=[flaw])


async def examined(file: UploadFile) -> ArrivedFile:
    """Refuse what its first bytes give away. Raises `UnfitFile`."""
    return await asyncio.to_thread(_examined, file.file)


def _examined(file: BinaryIO) -> ArrivedFile:
    head = file.read(LONGEST_LINE + 1)
    for magic, name in _FOREIGN.items():
        if head.startswith(magic):
            raise NotCsv(f"The file is {name}, and has to be plain CSV.")
    check_header(iter(Records(io.BytesIO(head))))
    file.seek(0)
    digest = hashlib.sha256()
    while piece := file.read(LONGEST_LINE):
        digest.update(piece)
    file.seek(0)
    return ArrivedFile(sha256=digest.hexdigest())


def name_of(file: UploadFile) -> str | None:
    """What it is called, for people to know it by; never a path of ours."""
    name = (file.filename or "").replace("\\", "/").rpartition("/")[2].strip()[:LONGEST_NAME]
    return name if name and name.isprintable() else None
