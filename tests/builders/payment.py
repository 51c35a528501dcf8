"""payment.py: an order is paid for before it is confirmed; the money is taken when the warehouse has accepted it."""

from typing import Protocol
from uuid import UUID

from orders_service.gateways import MailUnavailable, WarehouseUnavailable
from orders_service.money import Money
from orders_service.orders import fulfilling
from orders_service.orders.placed import PlacedOrder
from pipelines import Destination, Pipeline, Reject, Retry, StepContext


class Bank(Protocol):
    """Whoever implements it passes `key` on to the bank, which remembers it: the same key is the same payment."""

    async def authorise(self, order_id: UUID, amount: Money, *, key: str) -> None: ...
    async def capture(self, order_id: UUID, *, key: str) -> None: ...
    async def give_back(
        self, order_id: UUID, *, key: str
    ) -> None: ...  # void or refund, or nothing if there is nothing


class BankUnavailable(Exception):
    """Perhaps done, perhaps not: try again under the same key."""


class CardDeclined(Exception):
    """The bank says no."""


BANK = Destination("bank", concurrency=20)
PATIENT = Retry(on=(BankUnavailable,), attempts=8)

fulfill_paid_order = Pipeline("fulfill-paid-order", PlacedOrder)
fulfill_paid_order.step()(fulfilling.validate_order)
fulfill_paid_order.step(undo=fulfilling.release_stock)(fulfilling.reserve_stock)


async def give_money_back(order: PlacedOrder, bank: Bank, step: StepContext) -> None:
    await bank.give_back(order.id, key=step.idempotency_key)  # by order: an undo needs no result


@fulfill_paid_order.step(retry=PATIENT, timeout=30, to=BANK, undo=give_money_back, undo_retry=PATIENT)
async def authorise_payment(order: PlacedOrder, bank: Bank, step: StepContext) -> None:
    try:
        await bank.authorise(order.id, order.total, key=step.idempotency_key)
    except CardDeclined as refusal:
        raise Reject("the card was declined") from refusal  # a business reason: no retry, and nobody is paged


fulfill_paid_order.step(retry=Retry(on=(MailUnavailable,), attempts=8), timeout=40)(fulfilling.send_confirmation)
fulfill_paid_order.step(
    retry=Retry(on=(WarehouseUnavailable,), attempts=8), timeout=40, undo=fulfilling.cancel_fulfillment
)(fulfilling.notify_warehouse)


@fulfill_paid_order.step(retry=PATIENT, timeout=30, to=BANK)
async def capture_payment(order: PlacedOrder, bank: Bank, step: StepContext) -> None:
    await bank.capture(order.id, key=step.idempotency_key)


fulfill_paid_order.at_end(fulfilling.finish_order)
fulfill_paid_order.at_retry(fulfilling.reopen_order)
