"""So much of a file as is written in one COMMIT."""

import io
from dataclasses import dataclass
from uuid import UUID

from orders_service import uploads
from orders_service.imports.drafts import Entry, Group, judged
from orders_service.imports.records import Place, Records
from pipelines import ReadSession

MOST_ORDERS = 50  # few enough that the orders of others do not wait for them
MOST_ROWS = 500


@dataclass(frozen=True, slots=True)
class Chunk:
    """The orders between two places of the file."""

    begins_at: Place
    ends_at: Place
    entries: tuple[Entry, ...]
    rows: int


def chunk_at(session: ReadSession, upload_id: UUID, at: Place) -> Chunk:
    """The next one; without rows when the file ends here. Raises `uploads.UploadGone`."""
    records = Records(io.BufferedReader(uploads.UploadReader(session, upload_id, from_byte=at.byte)), at)
    each = iter(records)
    if at == Place():
        next(each, None)  # the header, which was checked before
    groups: list[Group] = []
    rows = 0
    for record in each:
        if not (groups and groups[-1].takes(record)):
            if len(groups) == MOST_ORDERS or rows >= MOST_ROWS:
                return _chunk(at, record.begins_at, groups, rows)
            groups.append(Group())
        groups[-1].rows.append(record)
        rows += 1
    return _chunk(at, records.place, groups, rows)


def _chunk(at: Place, ends_at: Place, groups: list[Group], rows: int) -> Chunk:
    return Chunk(at, ends_at, tuple(judged(group) for group in groups), rows)
