import pytest

from orders_service.imports.drafts import NOT_ALONE, Entry, Group, judged
from orders_service.imports.records import Place, Record
from tests.builders.imports import a_row

FIRST = 2  # the row below the header


def of(*rows: list[str]) -> Entry:
    group = Group()
    for place, row in enumerate(rows, start=FIRST - 1):
        record = Record(Place(0, place), tuple(row))
        assert not group.rows or group.takes(record)
        group.rows.append(record)
    return judged(group)


def flaws(*rows: list[str]) -> list[tuple[int, str]]:
    entry = of(*rows)
    assert (entry.draft is None) == bool(entry.flaws)
    return [(flaw.row, flaw.column) for flaw in entry.flaws]


def test_rows_become_the_order_that_they_describe() -> None:
    draft = of(a_row(quantity=2), a_row(sku="lamp", name="", city="")).draft
    assert draft is not None
    assert [(item.sku, item.quantity) for item in draft.items] == [("mug", 2), ("lamp", 1)]
    assert (draft.customer_email, draft.shipping_address.name) == ("ada@example.com", "Ada")
    assert draft.shipping_address.line2 is None


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("customer_email", ""),
        ("customer_email", "ada"),
        ("customer_email", "ada@"),
        ("customer_email", "a\0@example.com"),
        ("customer_email", "a" * 300 + "@example.com"),
        ("sku", ""),
        ("sku", "no such thing"),
        ("sku", "=1+1"),
        ("sku", "x" * 65),
        ("quantity", ""),
        ("quantity", "0"),
        ("quantity", "-1"),
        ("quantity", "1.0"),
        ("quantity", "1e3"),
        ("quantity", "two"),
        ("quantity", "NaN"),
        ("quantity", "٣"),
        ("quantity", "1000001"),
        ("quantity", str(2**63)),
        ("quantity", "9" * 900),
        ("name", "a\0b"),
        ("name", "x" * 101),
        ("line1", ""),
        ("line1", "one\ntwo"),
        ("line1", "\u202e"),
        ("line2", "x" * 201),
        ("city", ""),
        ("postal_code", "x" * 21),
        ("country", ""),
        ("country", "fr"),
        ("country", "France"),
        ("order_ref", ""),
        ("order_ref", "a\0b"),
        ("order_ref", "x" * 101),
    ],
)
def test_what_is_wrong_is_told_of_its_column(column: str, value: str) -> None:
    assert flaws(a_row(**{"order_ref": "A-1", column: value})) == [(FIRST, column)]


@pytest.mark.parametrize("cells", [a_row()[:-1], [*a_row(), "more"]])
def test_a_row_of_another_width_is_told_of_as_a_whole(cells: list[str]) -> None:
    assert flaws(cells) == [(FIRST, "")]


def test_a_row_that_is_right_is_told_why_it_fails_all_the_same() -> None:
    entry = of(a_row(), a_row(sku="lamp", quantity="none"), a_row(sku="pen"))
    assert [(flaw.row, flaw.message == NOT_ALONE) for flaw in entry.flaws] == [(2, True), (3, False), (4, True)]


def test_a_product_is_in_one_row_of_an_order_only() -> None:
    assert flaws(a_row(), a_row(quantity=3)) == [(2, ""), (3, "sku")]


def test_rows_of_one_order_do_not_contradict_each_other() -> None:
    assert flaws(a_row(), a_row(sku="lamp", city="Paris")) == [(2, ""), (3, "city")]


def test_an_order_has_a_hundred_rows_at_most() -> None:
    rows = [a_row(sku=f"sku-{number}") for number in range(101)]
    assert of(*rows[:100]).draft is not None
    assert flaws(*rows)[-1] == (FIRST + 100, "order_ref")


def test_all_that_is_wrong_is_told_at_once() -> None:
    assert flaws(a_row(quantity="none", country="France"), a_row(sku="", city="Paris", country="")) == [
        (2, "quantity"),
        (2, "country"),
        (3, "city"),
        (3, "sku"),
    ]


def test_no_flaw_quotes_what_was_sent() -> None:
    entry = of(a_row(customer_email="secret\0@example.com", country="secret", sku="secret secret"))
    assert len(entry.flaws) == 3
    assert not [flaw for flaw in entry.flaws if "secret" in flaw.message]


def test_a_row_has_a_few_flaws_at_most() -> None:
    assert (
        len(flaws(a_row(**dict.fromkeys(("customer_email", "sku", "line1", "city", "postal_code", "country"), ""))))
        == 5
    )


def test_a_reference_is_kept_in_a_form_that_every_database_stores() -> None:
    assert of(a_row("a\0b" + "x" * 200)).ref == "a\ufffdb" + "x" * 97
