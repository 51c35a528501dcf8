"""The example of docs/payment-step.md is a module that is type-checked, and here it is run."""

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from orders_service import inventory, tables
from orders_service.gateways import Mail, Warehouse, WarehouseRefused
from orders_service.money import Money
from orders_service.orders.placed import PlacedOrder
from orders_service.orders.schemas import Address, PricedItem
from orders_service.orders.telling import tell_customer
from pipelines import RunState
from pipelines.testing import Outside, Survivor, rehearsal, survives_every_crash
from tests.builders import payment
from tests.builders.callbacks import NOON
from tests.builders.gateways import FakeMail, FakeWarehouse
from tests.builders.orders import PRICE, an_address
from tests.builders.payment import Bank, BankUnavailable, CardDeclined, fulfill_paid_order
from tests.builders.shop import SHELF
from tests.harness.published import published_code

_ = tables  # all of the service's, so that they are made
PAGE = Path(__file__).parents[3] / "docs" / "payment-step.md"
LONGEST_PAGE = 120
TOTAL = Money(amount=2 * PRICE, currency="EUR")
ORDER = PlacedOrder(
    id=UUID(int=1),
    customer_email="ada@example.com",
    items=(PricedItem(sku="mug", quantity=2, price=Money(amount=PRICE, currency="EUR")),),
    total=TOTAL,
    shipping_address=Address(**an_address()),
    placed_at=NOON,
)


class FakeBank(Outside):
    async def authorise(self, order_id: UUID, amount: Money, *, key: str) -> None:
        await self.accepts("authorise", (order_id, amount), key=key)

    async def capture(self, order_id: UUID, *, key: str) -> None:
        await self.accepts("capture", order_id, key=key)

    async def give_back(self, order_id: UUID, *, key: str) -> None:
        await self.accepts("give back", order_id, key=key)


async def ended(bank: FakeBank, warehouse: FakeWarehouse | None = None) -> tuple[RunState, list[str]]:
    """How the order ended, and what was done and undone."""
    provided = {Bank: bank, Mail: FakeMail(), Warehouse: warehouse or FakeWarehouse()}
    async with rehearsal([fulfill_paid_order, tell_customer], provide=provided) as stage:
        await stage.write(inventory.seed, SHELF)
        run_id = await stage.start(fulfill_paid_order, ORDER)
        await stage.run_to_the_end()
        return stage.run(run_id).state, stage.attempts_of(run_id)


def test_the_page_prints_the_module_and_is_short() -> None:
    assert published_code(PAGE, "authorise_payment") == Path(payment.__file__).read_text()
    assert len(PAGE.read_text().splitlines()) <= LONGEST_PAGE


def test_payment_stands_between_reservation_and_confirmation() -> None:
    assert [step.name for step in fulfill_paid_order.steps] == [
        "validate_order",
        "reserve_stock",
        "authorise_payment",
        "send_confirmation",
        "notify_warehouse",
        "capture_payment",
    ]


async def test_the_money_is_set_aside_once_and_taken_at_the_end() -> None:
    bank = FakeBank()
    bank.loses_the_answer("authorise", BankUnavailable())
    state, attempts = await ended(bank)
    assert (state, attempts[-1]) == (RunState.COMPLETED, "do capture_payment: success")
    assert (bank.effects("authorise"), bank.effects("capture")) == ([(ORDER.id, TOTAL)], [ORDER.id])


async def test_a_card_that_is_declined_rejects_the_order_before_it_is_confirmed() -> None:
    bank = FakeBank()
    bank.refuses("authorise", CardDeclined())
    state, attempts = await ended(bank)
    assert state is RunState.REJECTED
    assert attempts[2:] == [
        "do authorise_payment: rejected",
        "undo authorise_payment: success",
        "undo reserve_stock: success",
    ]


async def test_money_that_is_not_needed_is_given_back_after_the_warehouse_was_told() -> None:
    bank, warehouse = FakeBank(), FakeWarehouse()
    warehouse.door.troubles = [WarehouseRefused("no such article")]
    state, attempts = await ended(bank, warehouse)
    assert state is RunState.FAILED
    undone = [f"undo {step}: success" for step in ("notify_warehouse", "authorise_payment", "reserve_stock")]
    assert attempts[-3:] == undone
    assert bank.effects("give back") == [ORDER.id]


@pytest.mark.parametrize("refuses", [False, True], ids=["paid", "capture refused"])
async def test_a_payment_survives_every_crash(refuses: bool) -> None:  # noqa: FBT001 - a parameter of the test
    def outside() -> dict[Any, object]:
        bank = FakeBank()
        if refuses:
            bank.refuses("capture", CardDeclined())
        return {Bank: bank, Mail: FakeMail(), Warehouse: FakeWarehouse()}

    def check(survivor: Survivor) -> None:
        bank = survivor.provided[Bank]
        assert survivor.run.state is (RunState.FAILED if refuses else RunState.COMPLETED)
        assert (len(bank.effects("authorise")), len(bank.effects("give back"))) == (1, int(refuses))

    await survives_every_crash(
        fulfill_paid_order,
        ORDER,
        provide=outside,
        prepare=lambda tx: inventory.seed(tx, SHELF),
        check=check,
        beside=[tell_customer],
    )
