from datetime import UTC, datetime
from uuid import UUID

from orders_service.money import Money
from orders_service.orders.confirmation import confirmation_of
from orders_service.orders.placed import PlacedOrder
from orders_service.orders.schemas import Address, PricedItem
from tests.builders.orders import an_address

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def a_placed(**address: str) -> PlacedOrder:
    return PlacedOrder(
        id=UUID(int=1),
        customer_email="ada@example.com",
        items=(
            PricedItem(sku="lamp", quantity=2, price=Money(amount=1999, currency="EUR")),
            PricedItem(sku="mug", quantity=1, price=Money(amount=5, currency="EUR")),
        ),
        total=Money(amount=4003, currency="EUR"),
        shipping_address=Address(**an_address(**address)),
        placed_at=NOON,
    )


def test_the_letter_says_what_was_ordered_for_how_much_and_where_it_goes() -> None:
    letter = confirmation_of(a_placed(name="Ada Lovelace", line2="2nd floor"))
    for said in (
        "Hello Ada Lovelace,",
        "00000000-0000-0000-0000-000000000001",
        "2 x lamp at 19.99 EUR",
        "1 x mug at 0.05 EUR",
        "Total: 40.03 EUR",
        "  Ada Lovelace\n  1 Loop Lane\n  2nd floor\n  69001 Lyon\n  FR\n",
    ):
        assert said in letter.text


def test_the_letter_goes_to_the_customer_and_is_dated_by_the_order() -> None:
    letter = confirmation_of(a_placed())
    assert (letter.to, letter.written_at) == ("ada@example.com", NOON)


def test_an_address_without_a_name_leaves_no_gap() -> None:
    text = confirmation_of(a_placed()).text
    assert text.startswith("Hello,\n")
    assert "It goes to:\n  1 Loop Lane\n  69001 Lyon\n" in text


def test_what_the_customer_typed_stays_out_of_the_subject_and_out_of_the_template() -> None:
    letter = confirmation_of(a_placed(name="{id} Subject: {total}"))
    assert letter.subject == "Your order 00000000-0000-0000-0000-000000000001"
    assert "Hello {id} Subject: {total}," in letter.text
