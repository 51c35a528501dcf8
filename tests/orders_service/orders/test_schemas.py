from typing import Any

import pytest
from pydantic import ValidationError
from sqlmodel import SQLModel

from orders_service import tables
from orders_service.orders.schemas import LARGEST_QUANTITY, MOST_LINES, OrderDraft
from tests.builders.orders import an_address, an_order


def flaws(order: dict[str, Any]) -> set[str]:
    """Where the order is refused."""
    try:
        OrderDraft.model_validate(order)
    except ValidationError as error:
        return {"/".join(map(str, flaw["loc"])) for flaw in error.errors()}
    return set()


@pytest.mark.parametrize("quantity", [1.0, 1.5, True, "1", None, 0, -1, 2**31, 2**53 + 1, 2**63, [1], {}])
def test_a_quantity_is_a_whole_number_that_can_be_shipped(quantity: object) -> None:
    assert flaws(an_order(items=[{"sku": "mug", "quantity": quantity}])) == {"items/0/quantity"}


@pytest.mark.parametrize("sku", ["", "-mug", "m g", "mug\n", "möwe", "x" * 65, 7, None])
def test_a_sku_is_a_plain_word(sku: object) -> None:
    assert flaws(an_order(items=[{"sku": sku, "quantity": 1}])) == {"items/0/sku"}


@pytest.mark.parametrize("email", ["", "ada", "ada@", "@example.com", "ada@example.com\nBcc: x@example.com", 7, None])
def test_an_address_for_mail_is_one_address(email: object) -> None:
    assert flaws({**an_order(), "customer_email": email}) == {"customer_email"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("line1", ""),
        ("line1", "  "),
        ("line1", "x" * 201),
        ("line1", None),
        ("city", "Ly\u202eon"),
        ("postal_code", 69001),
        ("country", "fr"),
        ("country", "FRA"),
        ("name", ["Ada"]),
    ],
)
def test_an_address_is_made_of_short_plain_lines(field: str, value: object) -> None:
    order = {**an_order(), "shipping_address": an_address(**{field: value})}
    assert flaws(order) == {f"shipping_address/{field}"}


@pytest.mark.parametrize("field", ["line1", "city", "postal_code", "country"])
def test_an_address_is_complete(field: str) -> None:
    address = an_address()
    del address[field]
    assert flaws({**an_order(), "shipping_address": address}) == {f"shipping_address/{field}"}


@pytest.mark.parametrize("field", ["customer_email", "items", "shipping_address"])
def test_an_order_is_complete(field: str) -> None:
    order = an_order()
    del order[field]
    assert flaws(order) == {field}


@pytest.mark.parametrize("lines", [0, MOST_LINES + 1])
def test_an_order_has_lines_but_not_too_many(lines: int) -> None:
    assert flaws(an_order(items=[{"sku": f"mug-{n}", "quantity": 1} for n in range(lines)])) == {"items"}


def test_one_bad_line_is_the_only_flaw_that_is_named() -> None:
    assert flaws(an_order(mug=0)) == {"items/0/quantity"}


def test_an_order_as_large_as_allowed_is_taken() -> None:
    items = [{"sku": f"mug-{n}", "quantity": LARGEST_QUANTITY} for n in range(MOST_LINES)]
    assert not flaws(an_order(items=items))


def test_a_product_is_in_one_line_only() -> None:
    items = [{"sku": "mug", "quantity": 1}, {"sku": "lamp", "quantity": 1}, {"sku": "mug", "quantity": 2}]
    assert flaws(an_order(items=items)) == {""}


def columns() -> set[str]:
    assert tables  # imported, so that the metadata knows them all
    names = {column.name for table in SQLModel.metadata.tables.values() for column in table.columns}
    return {*names, "total", "price", "run", "owner", "__class__", "model_config"}


@pytest.mark.parametrize(
    "place", [("customer_email",), ("shipping_address", "line1"), ("items", "0", "sku")], ids=lambda place: place[0]
)
def test_what_is_stored_can_not_be_set_from_outside(place: tuple[str, ...]) -> None:
    order: dict[str, Any] = an_order()
    target = {1: order, 2: order["shipping_address"], 3: order["items"][0]}[len(place)]
    smuggled = columns() - set(OrderDraft.model_fields) - set(an_address(name="", line2="")) - {"sku", "quantity"}
    target.update(dict.fromkeys(smuggled, 1))
    assert flaws(order) == {"/".join([*place[:-1], name]) for name in smuggled}
