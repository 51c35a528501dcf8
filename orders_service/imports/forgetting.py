"""Imports that ended long ago are forgotten, with the references that were read and what was wrong."""

from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict

from orders_service.imports import queries
from pipelines import Pipeline, Transaction, start

KEPT_FOR = timedelta(days=90)
SLICE = 1000  # rows of the file


class ImportedBefore(BaseModel):
    """What had ended before this moment."""

    model_config = ConfigDict(frozen=True)

    moment: datetime


forget_imports = Pipeline("forget-imports", ImportedBefore)


@forget_imports.step()
def forget(imported: ImportedBefore, tx: Transaction) -> None:
    """One slice of one import; the next is another run's, so that orders go in between. The import itself goes last."""
    import_id = queries.ended_before(tx, imported.moment)
    if import_id is None:
        return
    if queries.forget_rows(tx, import_id, SLICE) < SLICE:
        queries.forget(tx, import_id)
    start(tx, forget_imports, imported)


def imported_long_ago(fire_at: datetime) -> ImportedBefore:
    """The input of a tick."""
    return ImportedBefore(moment=fire_at - KEPT_FOR)
