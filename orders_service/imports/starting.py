"""An import begins: its row, its run, the claim on its file and the remembered answer, in one transaction."""

from dataclasses import dataclass
from uuid import UUID

from orders_service import audit, uploads
from orders_service.idempotency import Answer, OnceKey, recall, remember
from orders_service.imports import queries
from orders_service.imports.arriving import ArrivedFile
from orders_service.imports.importing import ImportedFile, import_orders
from orders_service.imports.schemas import ImportState
from orders_service.imports.tables import OrderImport
from orders_service.imports.viewing import view_of
from pipelines import Transaction, start

ACCEPTED = 202


@dataclass(frozen=True, slots=True, kw_only=True)
class NewImport:
    """Whose file it is, what is in it, and where it was stored."""

    id: UUID
    principal: str
    content: ArrivedFile
    upload: uploads.StoredUpload
    file_name: str | None
    note: audit.Note


def start_import(tx: Transaction, new: NewImport, once: OnceKey) -> Answer:
    """On disk with everything that belongs to it. A request that came before keeps its file, and this one's goes."""
    if earlier := recall(tx, once, new.content):
        uploads.start_removal(tx, new.upload.id, only_if_unclaimed=True)
        return earlier
    file = ImportedFile(import_id=new.id, upload_id=new.upload.id, principal=new.principal)
    # One after another, so that whoever sends a hundred files leaves room for the first file of somebody else.
    run_id = start(tx, import_orders, file, serial=new.principal)
    row = OrderImport(
        id=new.id,
        principal=new.principal,
        state=ImportState.RUNNING,
        file_name=new.file_name,
        created_at=tx.home.clock.now(),
        run_id=run_id,
    )
    queries.add(tx, row)
    uploads.claim(tx, new.upload.id)
    audit.record(tx, new.note, after={"file_name": new.file_name, "sha256": new.content.sha256})
    return remember(tx, once, new.content, Answer(ACCEPTED, view_of(row).model_dump_json()))
