"""The records of a CSV file, one in memory at a time, each with the place at which it begins."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from orders_service.imports.errors import EmptyFile, UnfitFile

HEADER = (
    "order_ref",
    "customer_email",
    "sku",
    "quantity",
    "name",
    "line1",
    "line2",
    "city",
    "postal_code",
    "country",
)
LONGEST_RECORD = 64 * 1024  # over all its lines; that bounds its cells too
MOST_LINES = 250_000  # blank ones too, each of which costs as much time as one with an order
LONGEST_CELL = 1000  # of what is kept: longer than anything that an order may say
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Place:
    """Before a record: at which byte, and how many records came before it."""

    byte: int = 0
    records: int = 0


@dataclass(frozen=True, slots=True)
class Record:
    """One row, numbered as a spreadsheet numbers it: the header is row 1."""

    begins_at: Place
    cells: tuple[str, ...]

    @property
    def number(self) -> int:
        return self.begins_at.records + 1


class Records:
    """Iterate over it. Raises `UnfitFile` where the file is not UTF-8 or no CSV, with the line.

    A record has a limit, however many lines it has, so that a file without line ends, or with a quote that nobody
    closes, costs no memory; and lines have one, so that a file of nothing else costs no time.
    """

    def __init__(self, file: BinaryIO, at: Place = Place()) -> None:
        self.place = at
        self._file = file
        self._byte = at.byte
        self._line = 0
        self._begun_in = 1  # the line in which the record begins

    def __iter__(self) -> Iterator[Record]:
        rows = csv.reader(self._lines(), strict=True)
        while True:
            try:
                cells = next(rows)
            except StopIteration:
                return
            except csv.Error:
                raise UnfitFile(f"Line {self._line} is no CSV: is a quote missing, or one too many?") from None
            record = Record(self.place, tuple(cell[:LONGEST_CELL].strip(" ") for cell in cells[: len(HEADER) + 1]))
            self.place, self._begun_in = Place(self._byte, self.place.records + 1), self._line + 1
            if any(record.cells):
                yield record

    def _lines(self) -> Iterator[str]:
        while line := self._file.readline(LONGEST_RECORD + 1):
            self._line += 1
            self._check_limits(len(line))
            try:
                text = (line.removeprefix(_BOM) if self._byte == 0 else line).decode()
            except UnicodeDecodeError as error:
                raise UnfitFile(
                    f"The file is not UTF-8: line {self._line}, byte {self._byte + error.start + 1} of the file."
                ) from None
            self._byte += len(line)
            yield text

    def _check_limits(self, more_bytes: int) -> None:
        if self._line > MOST_LINES:
            raise UnfitFile(f"The file has more than {MOST_LINES} lines.")
        if self._byte - self.place.byte + more_bytes <= LONGEST_RECORD:
            return
        if self._line == self._begun_in:
            raise UnfitFile(f"Line {self._line} is longer than {LONGEST_RECORD} bytes.")
        raise UnfitFile(
            f"The row that begins in line {self._begun_in} is longer than {LONGEST_RECORD} bytes: is a quote missing?"
        )


def check_header(records: Iterator[Record]) -> None:
    """Take the first record. Raises `UnfitFile` unless it is the header, `EmptyFile` when there is none."""
    first = next(records, None)
    if first is None:
        raise EmptyFile
    if first.cells != HEADER:
        raise UnfitFile(f"The first line has to be {','.join(HEADER)}, with commas between.")
