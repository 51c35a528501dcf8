"""Reading an upload, in pieces or whole."""

import io
from uuid import UUID

from orders_service.uploads import queries
from orders_service.uploads.errors import UploadGone
from orders_service.uploads.receiving import PART_BYTES
from pipelines import ReadSession


class UploadReader(io.RawIOBase):
    """The bytes of an upload, one piece in memory at a time. Wrap it: `io.BufferedReader(...)`.

    Reading raises `UploadGone`, so that a file that was removed meanwhile is not taken for a short one.
    """

    def __init__(self, session: ReadSession, upload_id: UUID, *, from_byte: int = 0) -> None:
        self._session = session
        self._upload_id = upload_id
        self._place, self._skipped = divmod(from_byte, PART_BYTES)  # all pieces but the last are of this size
        self._rest = memoryview(b"")  # sliced without being copied

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override] # what BufferedReader gives
        if not self._rest:
            part = memoryview(_part(self._session, self._upload_id, self._place) or b"")
            self._rest, self._skipped = part[self._skipped :], 0
            self._place += 1
        count = min(len(buffer), len(self._rest))
        buffer[:count], self._rest = self._rest[:count], self._rest[count:]
        return count


def content_of(session: ReadSession, upload_id: UUID) -> bytes:
    """All of it, for what is small. Raises `UploadGone`."""
    parts: list[bytes] = []
    while (part := _part(session, upload_id, len(parts))) is not None:
        parts.append(part)
    return b"".join(parts)


def _part(session: ReadSession, upload_id: UUID, place: int) -> bytes | None:
    """The piece at this place, or None after the last."""
    part = queries.part(session, upload_id, place)
    if part is None and not queries.exists(session, upload_id):
        raise UploadGone
    return part
