"""A file on its way in: out of the form, and judged by its first bytes before anything is stored."""

import asyncio
import hashlib
import io
from typing import BinaryIO

from pydantic import BaseModel, ConfigDict
from starlette.datastructures import UploadFile

from orders_service.forms import described
from orders_service.imports.errors import NotCsv
from orders_service.imports.records import LONGEST_RECORD, Records, check_header

MOST_BYTES = 25 * 1024 * 1024
MOST_ROWS = 100_000
LONGEST_NAME = 200

FORM = described(
    "file",
    "A CSV file in UTF-8.",
    example="order_ref,customer_email,sku,quantity,name,line1,line2,city,postal_code,country\n"
    "A-1,ada@example.com,LAMP-01,2,Ada,12 St James's Square,,London,SW1Y 4JH,GB\n"
    "A-1,,MUG-01,1,,,,,,\n",
)
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


async def examined(file: UploadFile) -> ArrivedFile:
    """Refuse what its first bytes give away. Raises `UnfitFile`."""
    return await asyncio.to_thread(_examined, file.file)


def _examined(file: BinaryIO) -> ArrivedFile:
    head = file.read(LONGEST_RECORD + 1)
    for magic, name in _FOREIGN.items():
        if head.startswith(magic):
            raise NotCsv(f"The file is {name}, and has to be plain CSV.")
    check_header(iter(Records(io.BytesIO(head))))
    file.seek(0)
    digest = hashlib.sha256()
    while piece := file.read(LONGEST_RECORD):
        digest.update(piece)
    file.seek(0)
    return ArrivedFile(sha256=digest.hexdigest())


def name_of(file: UploadFile) -> str | None:
    """What it is called, for people to know it by; never a path of ours."""
    name = (file.filename or "").replace("\\", "/").rpartition("/")[2].strip()[:LONGEST_NAME]
    return name if name and name.isprintable() else None
