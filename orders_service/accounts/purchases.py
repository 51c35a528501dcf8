"""What a customer has bought: counted when an order completes, and no longer when one is taken back after that."""

from datetime import datetime

from orders_service.accounts import queries
from orders_service.auth import Principal
from orders_service.money import Money
from pipelines import Transaction


def note_purchase(tx: Transaction, principal_id: str, paid: Money, now: datetime) -> None:
    """An order has completed. Call it once, in the transaction that ends the run: what completed is never retried.

    Only people have statistics; for a program's key there is nothing to do.
    """
    if (user_id := Principal(principal_id).user_id) is not None:
        queries.count_purchase(tx, user_id, currency=paid.currency, amount=paid.amount, at=now)


def take_back_purchase(tx: Transaction, principal_id: str, paid: Money) -> None:
    """An order that had completed is taken back. Call it once, in the transaction that says so.

    When it was the last one stays: a purchase was made then. What was never counted is not taken off.
    """
    if (user_id := Principal(principal_id).user_id) is not None:
        queries.take_back_purchase(tx, user_id, currency=paid.currency, amount=paid.amount)
