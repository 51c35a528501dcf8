import csv
import io
import tracemalloc

import pytest

from orders_service.imports import records
from orders_service.imports.arriving import MOST_BYTES
from orders_service.imports.errors import UnfitFile
from orders_service.imports.records import HEADER, LONGEST_RECORD, MOST_LINES, Place, Record, Records, check_header
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
    found = read(b'h\n"two\nlines"\n\n,,\nlast\n')
    assert [(record.number, record.cells[0]) for record in found] == [(1, "h"), (2, "two\nlines"), (5, "last")]


def test_reading_goes_on_at_any_record() -> None:
    content = a_file(a_row("A", name='Ada "L", äöü\n€'), a_row("B"), a_row("C", city="Zürich"), line_end="\r\n")
    found = read(content)
    assert [read(content, at=record.begins_at) for record in found] == [found[n:] for n in range(4)]


def test_the_place_after_the_last_record_is_the_end() -> None:
    content = a_file(a_row(), a_row())
    found = Records(io.BytesIO(content))
    assert len(list(found)) == 3
    assert found.place == Place(len(content), 3)


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
    [(b'a\nb\n"c\n', 3), (b'a\n"b"c\n', 2), (b"a\rb\rc\r", 1)],
    ids=["quote not closed", "after a quote", "lone CR"],
)
def test_what_is_no_csv_is_refused_with_its_line(content: bytes, line: int) -> None:
    assert f"Line {line} is no CSV" in refused(content)


def test_a_line_has_a_limit() -> None:
    assert "Line 2 is longer than" in refused(b"a\n" + b"x" * (LONGEST_RECORD + 1))


@pytest.mark.parametrize(
    "piece", [b"x,y\n", b'",' + "ā,".encode() * 500 + b',"x\n', b"\n"], ids=["text", "cells", "ends"]
)
def test_a_row_has_a_limit_however_many_lines_it_has(piece: bytes) -> None:
    content = b'a\nb,"' + piece * (2_000_000 // len(piece)) + b'"\n'
    tracemalloc.start()
    try:
        said = refused(content)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert "begins in line 2 is longer than" in said
    assert most < 100 * LONGEST_RECORD


def test_a_row_of_many_lines_may_be_as_long_as_one_of_a_single_line() -> None:
    long = b'"' + b"x\n" * (LONGEST_RECORD // 2 - 2) + b'"\n'
    assert len(read(long * 3)) == 3


@pytest.mark.parametrize(("lines", "blank"), [(6, b"\n"), (6, b",,\n"), (6, b'"\n"\n'), (5, b"\r\n")])
def test_lines_are_counted_also_when_nothing_is_in_them(
    monkeypatch: pytest.MonkeyPatch, lines: int, blank: bytes
) -> None:
    monkeypatch.setattr(records, "MOST_LINES", 5)
    content = blank * (lines // blank.count(b"\n"))
    if lines == 5:
        assert read(content) == []
    else:
        assert refused(content) == "The file has more than 5 lines."


def test_as_many_blank_lines_as_fit_are_refused_soon() -> None:
    file = io.BytesIO(b"\n" * MOST_BYTES)
    with pytest.raises(UnfitFile):
        next(iter(Records(file)))
    assert file.tell() == MOST_LINES + 1


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
