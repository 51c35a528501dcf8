import csv
import io

import pytest

from orders_service.spreadsheets import csv_lines


def read(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


@pytest.mark.parametrize("cell", ["=1", "+1", "-1", "@1", "\t=1", "\r=1", -1])
def test_what_a_spreadsheet_would_compute_is_text(cell: object) -> None:
    assert read(csv_lines([[cell]])) == [[f"'{cell}"]]


def test_anything_else_stays_as_it_is() -> None:
    rows: list[list[object]] = [["a", "b,c", 'd"e'], ["f\ng", None, 7]]
    assert read(csv_lines(rows)) == [["a", "b,c", 'd"e'], ["f\ng", "", "7"]]
