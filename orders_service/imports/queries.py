"""The SQL of this slice."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import CursorResult, Integer, bindparam, delete, insert, select, tuple_, update
from sqlmodel import col

from orders_service.ids import first_id_at
from orders_service.imports.errors import ImportMoved
from orders_service.imports.schemas import ImportState
from orders_service.imports.tables import ImportedRef, ImportFlaw, OrderImport
from pipelines import ReadSession, StateConflict, Transaction

_ADD_REF = insert(ImportedRef)
_ADD_FLAW = insert(ImportFlaw)
_FIND = select(OrderImport).where(col(OrderImport.id) == bindparam("of"))
_NEWEST = select(OrderImport).order_by(col(OrderImport.id).desc()).limit(bindparam("most"))
_FIND_BY_RUN = select(col(OrderImport.principal)).where(col(OrderImport.run_id) == bindparam("of"))
_BEHIND_RUN = select(OrderImport).where(col(OrderImport.run_id) == bindparam("of"))
_SEEN = select(col(ImportedRef.order_ref)).where(
    col(ImportedRef.import_id) == bindparam("of"), col(ImportedRef.order_ref).in_(bindparam("refs", expanding=True))
)
_SET_TOTAL = update(OrderImport).where(col(OrderImport.id) == bindparam("of")).values(rows_total=bindparam("total"))
_IS_RUNNING = (col(OrderImport.id) == bindparam("of"), col(OrderImport.state) == ImportState.RUNNING)
_MOVE = (
    update(OrderImport)
    .where(*_IS_RUNNING, col(OrderImport.next_record) == bindparam("was"))
    .values(
        next_byte=bindparam("byte"),
        next_record=bindparam("record"),
        rows_done=col(OrderImport.rows_done) + bindparam("more_rows"),
        orders=col(OrderImport.orders) + bindparam("more_orders"),
        failed_rows=col(OrderImport.failed_rows) + bindparam("more_failed"),
    )
)
_STOP = update(OrderImport).where(*_IS_RUNNING).values(state=ImportState.CANCELLED, reason=bindparam("because"))
_FINISH = (
    update(OrderImport)
    .where(col(OrderImport.id) == bindparam("of"))
    .values(state=bindparam("to"), reason=bindparam("because"), finished_at=bindparam("at"))
)
_FLAWS = (
    select(
        col(ImportFlaw.row_number),
        col(ImportFlaw.place),
        col(ImportFlaw.order_ref),
        col(ImportFlaw.column_name),
        col(ImportFlaw.message),
    )
    .where(
        col(ImportFlaw.import_id) == bindparam("of"),
        tuple_(col(ImportFlaw.row_number), col(ImportFlaw.place))
        > tuple_(bindparam("row", type_=Integer), bindparam("place", type_=Integer)),
    )
    .order_by(col(ImportFlaw.row_number), col(ImportFlaw.place))
    .limit(bindparam("most"))
)
_ENDED = (
    select(col(OrderImport.id))
    .where(
        col(OrderImport.id) < bindparam("below"),  # what was made later has not ended before: that is a short scan
        col(OrderImport.finished_at) < bindparam("before"),
    )
    .order_by(col(OrderImport.id))
    .limit(1)
)
_FORGET_REFS = delete(ImportedRef).where(
    col(ImportedRef.import_id) == bindparam("of"),
    col(ImportedRef.order_ref).in_(
        select(col(ImportedRef.order_ref)).where(col(ImportedRef.import_id) == bindparam("of")).limit(bindparam("most"))
    ),
)
_FORGET_FLAWS = delete(ImportFlaw).where(
    col(ImportFlaw.import_id) == bindparam("of"),
    col(ImportFlaw.row_number).in_(
        select(col(ImportFlaw.row_number)).where(col(ImportFlaw.import_id) == bindparam("of")).limit(bindparam("most"))
    ),
)
_FORGET = delete(OrderImport).where(col(OrderImport.id) == bindparam("of"))


def add(tx: Transaction, row: OrderImport) -> None:
    tx.add(row)


def find(session: ReadSession | Transaction, import_id: UUID) -> OrderImport | None:
    return session.execute(_FIND, {"of": import_id}).scalar_one_or_none()


def newest(session: ReadSession, *, principal: str | None, before: UUID | None, most: int) -> list[OrderImport]:
    """A page of imports, newest first; of one principal unless `None`."""
    statement = _NEWEST
    if principal is not None:
        statement = statement.where(col(OrderImport.principal) == principal)
    if before is not None:
        statement = statement.where(col(OrderImport.id) < before)
    return list(session.execute(statement, {"most": most}).scalars())


def owner_of_run(session: ReadSession, run_id: UUID) -> str | None:
    """Whose file the run imports."""
    return session.execute(_FIND_BY_RUN, {"of": run_id}).scalar_one_or_none()


def find_by_run(session: ReadSession, run_id: UUID) -> OrderImport | None:
    return session.execute(_BEHIND_RUN, {"of": run_id}).scalar_one_or_none()


def refs_seen(tx: Transaction, import_id: UUID, refs: Collection[str]) -> set[str]:
    """Which of these were read before."""
    return set(tx.core.execute(_SEEN, {"of": import_id, "refs": list(refs)}).scalars())


def add_ref(tx: Transaction, import_id: UUID, ref: str, order_id: UUID | None) -> None:
    tx.defer(_ADD_REF, {"import_id": import_id, "order_ref": ref, "order_id": order_id})


def add_flaw(tx: Transaction, row: dict[str, Any]) -> None:
    tx.defer(_ADD_FLAW, row)


def set_total(tx: Transaction, import_id: UUID, total: int) -> None:
    tx.defer(_SET_TOTAL, {"of": import_id, "total": total})


def move(tx: Transaction, import_id: UUID, row: dict[str, Any]) -> None:
    """On to the next chunk; refused as `ImportMoved` when it stands elsewhere, or does not run."""
    tx.defer(_MOVE, {"of": import_id, **row}, otherwise=ImportMoved())


def stop(tx: Transaction, import_id: UUID, reason: str) -> None:
    """From this COMMIT on no chunk of it can be written."""
    tx.defer(_STOP, {"of": import_id, "because": reason}, otherwise=StateConflict(f"import {import_id} has ended"))


def finish(tx: Transaction, import_id: UUID, state: str, reason: str | None, at: datetime | None) -> None:
    tx.defer(_FINISH, {"of": import_id, "to": state, "because": reason, "at": at})


def flaws_after(session: ReadSession, import_id: UUID, row: int, place: int, most: int) -> Sequence[Any]:
    """A page of what was wrong, in the order of the file."""
    return session.execute(_FLAWS, {"of": import_id, "row": row, "place": place, "most": most}).all()


def ended_before(tx: Transaction, moment: datetime) -> UUID | None:
    """One import that had ended by then."""
    found: UUID | None = tx.execute(_ENDED, {"below": first_id_at(moment), "before": moment}).scalar_one_or_none()
    return found


def forget_rows(tx: Transaction, import_id: UUID, most: int) -> int:
    """Delete references and flaws of so many rows each; says of how many at least. Fewer than `most`: none is left."""
    bound = {"of": import_id, "most": most}
    gone = [cast("CursorResult[Any]", tx.execute(each, bound)).rowcount for each in (_FORGET_REFS, _FORGET_FLAWS)]
    return max(gone)


def forget(tx: Transaction, import_id: UUID) -> None:
    """After all that belongs to it."""
    tx.execute(_FORGET, {"of": import_id})
