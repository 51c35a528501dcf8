"""What happens to a file of orders: read once to see what it is, then turned into orders chunk by chunk."""

import io
from datetime import timedelta
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from sqlalchemy.exc import SQLAlchemyError
from tenacity import wait_random_exponential

from orders_service import uploads
from orders_service.imports import queries
from orders_service.imports.arriving import MOST_ROWS
from orders_service.imports.desk import ImportDesk
from orders_service.imports.errors import UnfitFile
from orders_service.imports.records import Records, check_header
from orders_service.imports.schemas import ImportState
from pipelines import (
    Destination,
    Ending,
    Fenced,
    JournalError,
    Pipeline,
    ReadSession,
    Reject,
    Retry,
    RunState,
    StepContext,
    Throttled,
    Transaction,
)

_GONE = "the file was removed when the import ended: send it again"
_TELL_EVERY = 1000  # rows
_AGAIN_IN = timedelta(seconds=5)
_DATABASE_IS_AWAY = Retry(on=(SQLAlchemyError,), attempts=8, wait=wait_random_exponential(multiplier=1, max=60))

# Two at a time in each process: orders that are posted should not notice that files are imported.
IMPORTS = Destination("imports", concurrency=2)
# One at a time, which leaves the other threads to others; not `IMPORTS`, where a file may take an hour.
CHECKS = Destination("import-checks", concurrency=1)


class ImportedFile(BaseModel):
    """Stored with the run, and read by the code of a later release: a new field needs a default."""

    model_config = ConfigDict(frozen=True)

    import_id: UUID
    upload_id: UUID
    principal: str


class CheckedFile(BaseModel):
    """So many rows are in it, the header not counted."""

    model_config = ConfigDict(frozen=True)

    rows: int


import_orders = Pipeline("import-orders", ImportedFile)


def note_total(file: ImportedFile, checked: CheckedFile, tx: Transaction) -> None:
    queries.set_total(tx, file.import_id, checked.rows)


@import_orders.step(retry=_DATABASE_IS_AWAY, then=note_total, to=CHECKS)
def check_file(file: ImportedFile, session: ReadSession, step: StepContext) -> CheckedFile:
    """Before the first order is placed: a file that is cut off or in another charset is refused whole."""
    records = Records(io.BufferedReader(uploads.UploadReader(session, file.upload_id)))
    rows = 0
    try:
        each = iter(records)
        check_header(each)
        for _ in each:
            rows += 1
            if rows > MOST_ROWS:
                raise Reject(f"The file has more than {MOST_ROWS} rows.")
            if rows % _TELL_EVERY == 0:
                step.progress(rows, note="checking the file")
    except uploads.UploadGone:
        raise Reject(_GONE) from None
    except UnfitFile as unfit:
        raise Reject(str(unfit)) from None
    if rows == 0:
        raise Reject("The file has no rows below its header.")
    return CheckedFile(rows=rows)


@import_orders.step(retry=_DATABASE_IS_AWAY, to=IMPORTS)
async def create_orders(file: ImportedFile, checked: CheckedFile, desk: ImportDesk, step: StepContext) -> None:
    """Each chunk is a COMMIT that also says where the next one begins: whoever comes after a crash goes on there."""
    try:
        standing = await desk.standing(file.import_id)
        while standing.is_running and standing.rows_done < checked.rows:
            if desk.is_leaving:
                raise Throttled(retry_after=timedelta(seconds=1))  # between two chunks: others go on
            chunk = await desk.next_chunk(file.upload_id, standing.place)
            if not chunk.rows:
                raise Reject(_GONE)
            standing = await desk.write_chunk(file.import_id, file.principal, chunk)
            step.progress(standing.rows_done, checked.rows)
    except uploads.UploadGone:
        raise Reject(_GONE) from None
    except UnfitFile as unfit:  # it was checked by a release that took more
        raise Reject(str(unfit)) from None
    except Fenced:
        raise
    except JournalError as trouble:  # perhaps the chunk is written, perhaps not: where the import stands will tell
        raise Throttled(retry_after=_AGAIN_IN) from trouble


@import_orders.at_end
def finish_import(file: ImportedFile, ending: Ending, tx: Transaction) -> None:
    queries.finish(tx, file.import_id, FINAL_STATE[ending.state], ending.reason, tx.home.clock.now())
    uploads.start_removal(tx, file.upload_id)


@import_orders.at_retry
def reopen_import(file: ImportedFile, tx: Transaction) -> None:
    queries.finish(tx, file.import_id, ImportState.RUNNING, None, None)


FINAL_STATE = {
    RunState.COMPLETED: ImportState.COMPLETED,
    RunState.REJECTED: ImportState.REJECTED,
    RunState.FAILED: ImportState.FAILED,
    RunState.QUARANTINED: ImportState.FAILED,
    RunState.CANCELLED: ImportState.CANCELLED,
}
