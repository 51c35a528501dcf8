"""Rows that belong together become the order they describe, or the list of what is wrong with them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from orders_service import orders
from orders_service.imports.records import HEADER, Record
from orders_service.strict_json import has_control_characters

LONGEST_REF = 100
_MOST_FLAWS = 5  # of one row
_SHARED = ("customer_email", "name", "line1", "line2", "city", "postal_code", "country")
_ADDRESS = _SHARED[1:]
_COUNT = re.compile("[0-9]{1,9}")
_BAD_CHARACTER = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_ADDRESS_REFUSED = "value is not a valid email address"  # what follows quotes it

NOT_ALONE = "Not imported, because another row of this order is wrong."


@dataclass(frozen=True, slots=True)
class RowFlaw:
    """What is wrong with one row: in which column, or in none of them."""

    row: int
    column: str
    message: str


@dataclass(slots=True)
class Group:
    """Rows of one `order_ref` that stand together. One row more than an order may have tells that it is too long."""

    rows: list[Record] = field(default_factory=list)

    def takes(self, record: Record) -> bool:
        return record.cells[0] == self.rows[0].cells[0] and len(self.rows) <= orders.MOST_LINES


@dataclass(frozen=True, slots=True)
class Entry:
    """One order of the file, with the rows that describe it: a draft, or flaws."""

    ref: str
    rows: tuple[int, ...]
    draft: orders.OrderDraft | None
    flaws: tuple[RowFlaw, ...] = ()

    def refused(self, column: str, message: str) -> "Entry":
        """The same entry when all its rows turn out to be wrong in one and the same way."""
        return Entry(self.ref, self.rows, None, tuple(RowFlaw(row, column, message) for row in self.rows))

    def refused_at(self, places: Sequence[int], column: str, message: str) -> "Entry":
        """The same when some rows are wrong, and the others fail with them."""
        return Entry(
            self.ref, self.rows, None, _for_all(self.rows, [RowFlaw(self.rows[p], column, message) for p in places])
        )


def judged(group: Group) -> Entry:
    """Whatever can be said without looking into the database."""
    ref, numbers = group.rows[0].cells[0], tuple(row.number for row in group.rows)
    said = _BAD_CHARACTER.sub("\ufffd", ref)[:LONGEST_REF]
    draft, flaws = None, [*_flaws_of_shape(group.rows)]
    if not flaws:
        flaws += _flaws_of_order(ref, group.rows)
        try:
            draft = orders.OrderDraft.model_validate(_said(group.rows))
        except ValidationError as error:
            flaws += _flaws_of_values(group.rows, error)
    if flaws:
        return Entry(said, numbers, None, _for_all(numbers, flaws))
    return Entry(said, numbers, draft)


def _for_all(rows: Sequence[int], flaws: Sequence[RowFlaw]) -> tuple[RowFlaw, ...]:
    """Each row has its own, a few of them, or is told why it fails all the same."""
    own: dict[int, list[RowFlaw]] = {row: [] for row in rows}
    for flaw in flaws:
        own[flaw.row].append(flaw)
    return tuple(each for row in rows for each in own[row][:_MOST_FLAWS] or (RowFlaw(row, "", NOT_ALONE),))


def _flaws_of_shape(rows: Sequence[Record]) -> Iterator[RowFlaw]:
    for row in rows:
        if (count := len(row.cells)) != len(HEADER):
            more = "more" if count > len(HEADER) else "fewer"
            yield RowFlaw(row.number, "", f"This row has {more} than {len(HEADER)} cells.")


def _flaws_of_order(ref: str, rows: Sequence[Record]) -> Iterator[RowFlaw]:
    """Of what only the whole of its rows can tell."""
    first: dict[str, str] = _by_name(rows[0])
    skus = set()
    if not ref or len(ref) > LONGEST_REF or has_control_characters(ref):
        for row in rows:
            yield RowFlaw(
                row.number, "order_ref", f"Has to be 1 to {LONGEST_REF} characters, none of them control characters."
            )
    for place, row in enumerate(rows):
        cells = _by_name(row)
        if not _COUNT.fullmatch(cells["quantity"]):
            yield RowFlaw(row.number, "quantity", "Has to be a whole number.")
        if cells["sku"] in skus:
            yield RowFlaw(row.number, "sku", "A product may be in one row of an order only: add up the quantities.")
        skus.add(cells["sku"])
        if place >= orders.MOST_LINES:
            yield RowFlaw(row.number, "order_ref", f"An order has {orders.MOST_LINES} rows at most.")
        for name in _SHARED:
            if cells[name] not in {"", first[name]}:
                yield RowFlaw(
                    row.number, name, "Differs from the first row of this order: repeat it, or leave it empty."
                )


def _said(rows: Sequence[Record]) -> dict[str, Any]:
    """As it would be posted; what is empty was not said. A quantity that is none has been told of, and counts as 1."""
    cells = _by_name(rows[0])
    items = [{"sku": (each := _by_name(row))["sku"], "quantity": _count(each["quantity"])} for row in rows]
    address = {name: cells[name] for name in _ADDRESS if cells[name]}
    return {"customer_email": cells["customer_email"], "items": items, "shipping_address": address}


def _flaws_of_values(rows: Sequence[Record], error: ValidationError) -> Iterator[RowFlaw]:
    for flaw in error.errors(include_url=False, include_context=False, include_input=False):
        match flaw["loc"]:
            case ("items", int(place), str(column)):
                yield RowFlaw(rows[place].number, column, _message(flaw))
            case (*_, str(column)) if column in HEADER:
                yield RowFlaw(rows[0].number, column, _message(flaw))
            case _:
                yield RowFlaw(rows[0].number, "", _message(flaw))


def _message(flaw: Mapping[str, Any]) -> str:
    message = str(flaw["msg"])
    return _ADDRESS_REFUSED if message.startswith(_ADDRESS_REFUSED) else message


def _count(cell: str) -> int:
    return int(cell) if _COUNT.fullmatch(cell) else 1


def _by_name(row: Record) -> dict[str, str]:
    return dict(zip(HEADER, row.cells, strict=True))
