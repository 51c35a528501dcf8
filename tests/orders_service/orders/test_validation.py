from datetime import UTC, datetime
from uuid import UUID

import pytest

from orders_service.money import Money
from orders_service.orders.placed import PlacedOrder
from orders_service.orders.schemas import Address, PricedItem
from orders_service.orders.validation import LARGEST_LINE, LARGEST_TOTAL, check
from pipelines import Reject
from tests.builders.orders import an_address

CENT = Money(amount=1, currency="EUR")


def eur(amount: int) -> Money:
    return Money(amount=amount, currency="EUR")


def a_placed(
    *, email: str = "ada@example.com", quantity: int = 1, price: Money = CENT, total: int | None = None
) -> PlacedOrder:
    return PlacedOrder(
        id=UUID(int=1),
        customer_email=email,
        items=(PricedItem(sku="mug", quantity=quantity, price=price),),
        total=eur(quantity * price.amount if total is None else total),
        shipping_address=Address(**an_address()),
        placed_at=datetime(2026, 11, 21, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("order", "prices", "reason"),
    [
        (a_placed(email="x@Mailinator.com"), {"mug": CENT}, "we do not deliver to customers at mailinator.com"),
        (a_placed(), {}, "mug is no longer sold"),
        (a_placed(), {"mug": eur(2)}, "the price of mug has changed from 0.01 EUR to 0.02 EUR"),
        (a_placed(quantity=LARGEST_LINE + 1), {"mug": CENT}, "10001 of mug are more than we ship at once (10000)"),
        (a_placed(total=7), {"mug": CENT}, "the total is 0.07 EUR, but its lines add up to 1 minor units"),
    ],
)
def test_an_order_that_breaks_a_rule_is_refused_with_the_first_reason(
    order: PlacedOrder, prices: dict[str, Money], reason: str
) -> None:
    with pytest.raises(Reject) as refusal:
        check(order, prices)
    assert refusal.value.reason == reason


def test_a_total_beyond_the_limit_needs_a_person() -> None:
    price = eur(LARGEST_TOTAL + 1)
    with pytest.raises(Reject, match=r"orders over 50000\.00 EUR need a phone call"):
        check(a_placed(price=price), {"mug": price})


def test_an_order_at_every_limit_is_fine() -> None:
    price = eur(LARGEST_TOTAL // LARGEST_LINE)
    check(a_placed(quantity=LARGEST_LINE, price=price), {"mug": price})
