import csv
import io

import pytest

from orders_service.imports.errors import UnfitFile
from orders_service.imports.records import HEADER, LONGEST_LINE, Place, Record, Records, check_header
from tests.builders.imports import a_file, a_row

HEADER_LINE = a_file()[: a_file().index(b"\n") + 1]


def read(content: bytes, at: Place | None = None) -> list[Record]:
    file = io.BytesIO(content)
    file.seek(at.byte if at is not None else 0)
    return list(Records(file, at or Place()))


def refused(content: bytes) -> str:
    with pytest.raises(UnfitFile) as caught:
        read(content)
    return str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        b"a,b\nc,d\n",
        b"a,b\r\nc,d\r\n",
        b"a,b\nc,d",
        b'"a","b"\n"c","d"\n',
        b"\xef\xbb\xbfa,b\nc,d\n",
        b'\xef\xbb\xbf"a",b\nc,d\n',
        b" a , b\nc,d \n",
    ],
    ids=["lf", "crlf", "no last line end", "quoted", "bom", "bom and quotes", "blanks around"],
)
def test_cells_are_what_was_meant(content: bytes) -> None:
    assert [record.cells for record in read(content)] == [("a", "b"), ("c", "d")]


def test_a_quoted_cell_holds_commas_quotes_and_line_ends() -> None:
    (record,) = read(b'"a,b","say ""no""","one\r\ntwo"\n')
    assert record.cells == ("a,b", 'say "no"', "one\r\ntwo")


def test_rows_are_numbered_as_a_spreadsheet_numbers_them() -> None:
    records = read(b'h\n"two\nlines"\n\n,,\nlast\n')
    assert [(record.number, record.cells[0]) for record in records] == [(1, "h"), (2, "two\nlines"), (5, "last")]


def test_reading_goes_on_at_any_record() -> None:
    content = a_file(a_row("A", name='Ada "L", äöü\n€'), a_row("B"), a_row("C", city="Zürich"), line_end="\r\n")
    records = read(content)
    assert [read(content, at=record.begins_at) for record in records] == [records[n:] for n in range(4)]


def test_the_place_after_the_last_record_is_the_end() -> None:
    content = a_file(a_row(), a_row())
    records = Records(io.BytesIO(content))
    assert len(list(records)) == 3
    assert records.place == Place(len(content), 3)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("a\nStraße\n".encode("latin-1"), "not UTF-8: line 2, byte 7 of the file"),
        ("a\n€".encode("cp1252"), "not UTF-8: line 2, byte 3 of the file"),
        ("a,b\n".encode("utf-16"), "not UTF-8: line 1, byte 1 of the file"),
        ("a\n\ud800\n".encode("utf-8", "surrogatepass"), "not UTF-8: line 2, byte 3 of the file"),
        (b"a\n\xc0\x80\n", "not UTF-8: line 2, byte 3 of the file"),
        (b"a\n\xff\n", "not UTF-8: line 2, byte 3 of the file"),
        (b"a\n\xe2\x82", "not UTF-8: line 2, byte 3 of the file"),
    ],
    ids=["latin-1", "cp1252", "utf-16", "lone surrogate", "overlong NUL", "no start byte", "cut off"],
)
def test_another_charset_is_refused_with_its_place(content: bytes, said: str) -> None:
    assert said in refused(content)


@pytest.mark.parametrize(
    ("content", "line"),
    [(b'a\nb\n"c\n', 3), (b'a\n"b"c\n', 2), (b"a\rb\rc\r", 1), (b'a\n"' + b"x,y\n" * 50_000, None)],
    ids=["quote not closed", "after a quote", "lone CR", "a quote that swallows the rest"],
)
def test_what_is_no_csv_is_refused_with_its_line(content: bytes, line: int | None) -> None:
    said = refused(content)
    assert "is no CSV" in said
    assert line is None or f"Line {line} " in said


def test_a_line_has_a_limit() -> None:
    assert "longer than" in refused(b"a\n" + b"x" * (LONGEST_LINE + 1))


def test_a_giant_cell_is_cut_where_it_is_too_long_anyway() -> None:
    (record,) = read(b'"' + b"x" * 60_000 + b'",' + b"," * 5000 + b"\n")
    assert len(record.cells[0]) == 1000
    assert len(record.cells) == len(HEADER) + 1


def test_no_limit_of_the_interpreter_was_changed() -> None:
    read(a_file())
    assert csv.field_size_limit() == 131_072


@pytest.mark.parametrize(
    "header",
    [
        HEADER_LINE,
        HEADER_LINE.replace(b"\n", b"\r\n"),
        b"\xef\xbb\xbf" + HEADER_LINE,
        ",".join(f'"{name}"' for name in HEADER).encode(),
        ", ".join(HEADER).encode(),
        b"\n\n" + HEADER_LINE,
    ],
    ids=["plain", "crlf", "bom", "quoted", "spaces", "blank lines before"],
)
def test_the_header_is_known_in_any_dress(header: bytes) -> None:
    check_header(iter(Records(io.BytesIO(header))))


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"\n\n",
        b"\xef\xbb\xbf",
        HEADER_LINE.replace(b",", b";"),
        HEADER_LINE.replace(b",", b"\t"),
        HEADER_LINE.replace(b"sku,quantity", b"quantity,sku"),
        HEADER_LINE.replace(b",country", b""),
        HEADER_LINE.replace(b",country", b",country,more"),
        HEADER_LINE.upper(),
        a_file(header=a_row()),
        "order_ref,customer_email".encode("utf-16-le"),
    ],
    ids=["empty", "blank", "bom", "semicolons", "tabs", "order", "fewer", "more", "capitals", "none", "utf-16"],
)
def test_another_header_is_refused(header: bytes) -> None:
    with pytest.raises(UnfitFile):
        check_header(iter(Records(io.BytesIO(header))))
