"""A chunk of a file becomes orders: they, what was wrong, and the place where the next chunk begins, in one COMMIT."""

from collections.abc import Container
from dataclasses import dataclass
from uuid import UUID

from orders_service import inventory, orders
from orders_service.imports import queries
from orders_service.imports.chunks import Chunk
from orders_service.imports.drafts import Entry
from orders_service.imports.errors import ImportMoved
from orders_service.imports.records import Place
from orders_service.imports.schemas import ImportState
from pipelines import ReadSession, Transaction

_SEEN = f"Read before: the rows of one order stand together, and are {orders.MOST_LINES} at most."
_UNKNOWN_PRODUCT = "This product is not in the catalog."


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an import stands in its file."""

    is_running: bool
    place: Place
    rows_done: int


def standing_of(session: ReadSession | Transaction, import_id: UUID) -> Standing:
    row = queries.find(session, import_id)
    if row is None:  # forgotten, long after it had ended
        return Standing(is_running=False, place=Place(), rows_done=0)
    return Standing(row.state == ImportState.RUNNING, Place(row.next_byte, row.next_record), row.rows_done)


def create_chunk(tx: Transaction, import_id: UUID, principal: str, chunk: Chunk) -> Standing:
    """Raises `ImportMoved` when the import does not stand where the chunk begins, or no longer runs."""
    standing = standing_of(tx, import_id)
    if not (standing.is_running and standing.place == chunk.begins_at):
        raise ImportMoved
    seen = queries.refs_seen(tx, import_id, {entry.ref for entry in chunk.entries})
    on_sale = inventory.prices_on_sale(tx, sorted(_skus_of(chunk)))
    count = failed = 0
    for entry in chunk.entries:
        order_id, refused = _placed(tx, entry, principal, seen, on_sale)
        count += order_id is not None
        if refused is not None:
            failed += len(refused.rows)
            _note_flaws(tx, import_id, refused)
        if entry.ref not in seen:
            queries.add_ref(tx, import_id, entry.ref, order_id)
            seen.add(entry.ref)
    queries.move(
        tx,
        import_id,
        {
            "was": chunk.begins_at.records,
            "byte": chunk.ends_at.byte,
            "record": chunk.ends_at.records,
            "more_rows": chunk.rows,
            "more_orders": count,
            "more_failed": failed,
        },
    )
    return Standing(is_running=True, place=chunk.ends_at, rows_done=standing.rows_done + chunk.rows)


def _placed(
    tx: Transaction, entry: Entry, principal: str, seen: Container[str], on_sale: Container[str]
) -> tuple[UUID | None, Entry | None]:
    """The order that was placed, or the entry with what is wrong with it."""
    if entry.draft is None:
        return None, entry
    if entry.ref in seen:
        return None, entry.refused("order_ref", _SEEN)
    if unknown := [place for place, item in enumerate(entry.draft.items) if item.sku not in on_sale]:
        return None, entry.refused_at(unknown, "sku", _UNKNOWN_PRODUCT)
    try:
        return orders.place_imported(tx, entry.draft, principal), None
    except orders.OrdersError as refusal:
        return None, entry.refused("", str(refusal))


def _skus_of(chunk: Chunk) -> set[str]:
    return {item.sku for entry in chunk.entries if entry.draft is not None for item in entry.draft.items}


def _note_flaws(tx: Transaction, import_id: UUID, entry: Entry) -> None:
    for place, flaw in enumerate(entry.flaws):
        queries.add_flaw(
            tx,
            {
                "import_id": import_id,
                "row_number": flaw.row,
                "place": place,
                "order_ref": entry.ref,
                "column_name": flaw.column,
                "message": flaw.message,
            },
        )
