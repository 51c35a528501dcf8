"""An upload on its way into the database: piece by piece, and out again if the request fails."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

import structlog
from starlette.datastructures import UploadFile

from orders_service.ids import new_id
from orders_service.uploads import queries
from orders_service.uploads.errors import UploadTooLarge
from orders_service.uploads.removing import start_removal
from pipelines import JournalError, Process, Transaction

PART_BYTES = 256 * 1024

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class StoredUpload:
    """What was stored; `claim` it in the transaction that starts the work on it."""

    id: UUID
    size: int


@asynccontextmanager
async def received(process: Process, file: UploadFile, *, most_bytes: int) -> AsyncIterator[StoredUpload]:
    """Store a file for as long as the block goes well; when it raises, a run removes the file again.

    That run starts although the request fails. It takes only what is unclaimed, so a request that does not know whether
    its COMMIT has happened loses nothing. Raises `UploadTooLarge`.
    """
    if file.size is not None and file.size > most_bytes:
        raise UploadTooLarge(most_bytes)  # before anything is stored
    upload_id = new_id()
    try:
        yield StoredUpload(upload_id, await _store(process, upload_id, file, most_bytes))
    except BaseException:
        cleaning = asyncio.create_task(_clean_up(process, upload_id), name=f"clean up upload {upload_id}")
        await asyncio.shield(cleaning)  # also when the request is cancelled once more
        raise


def claim(tx: Transaction, upload_id: UUID) -> None:
    """From now on a run is answerable for it, and starts its removal when it ends. Raises `UploadGone`."""
    queries.claim(tx, upload_id, tx.home.clock.now())


async def _store(process: Process, upload_id: UUID, file: UploadFile, most_bytes: int) -> int:
    """Each piece is a COMMIT of its own: orders of others are not kept waiting by a large file."""
    size = place = 0
    await process.write(lambda tx: queries.add(tx, upload_id, tx.home.clock.now()))
    while content := await file.read(PART_BYTES):
        size += len(content)
        if size > most_bytes:
            raise UploadTooLarge(most_bytes)
        piece = [content]
        await process.write(_add_piece, upload_id, place, piece)
        piece.clear()  # what was handed to the committer is kept for a moment: by then without its bytes
        place += 1
    return size


def _add_piece(tx: Transaction, upload_id: UUID, place: int, piece: list[bytes]) -> None:
    queries.add_part(tx, upload_id, place, piece[0])


async def _clean_up(process: Process, upload_id: UUID) -> None:
    try:
        await process.write(start_removal, upload_id, only_if_unclaimed=True)
    except JournalError:  # the schedule `clean-up-uploads` finds it
        _log.warning("upload_left_behind", upload_id=str(upload_id))
