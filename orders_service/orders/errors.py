"""OrdersError
├── UnknownOrder        no order has this id, or it is somebody else's
├── NotCancellable      the order has come too far, or has ended
├── OrderMoved          it moved while we looked: look again
├── StillOpen           the warehouse speaks of an order that our own run has not completed yet
├── MixedCurrencies     its products are sold in several currencies
└── TotalTooLarge       the sum does not fit
"""  # noqa: D205, D400 - the tree is the text

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar


class OrdersError(Exception):
    """The base of this slice's errors."""


class UnknownOrder(OrdersError):
    """The same for a missing order and for one that the asker may not see."""


class NotCancellable(OrdersError):
    """Says in which state the order is, and why that is too late."""

    WHY: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "shipped": "The order is shipped and can no longer be cancelled.",
            "delivered": "The order is delivered and can no longer be cancelled.",
            "rejected": "The order is rejected: nothing will be shipped.",
            "failed": "The order is failed: nothing of it goes on unless whoever runs the service retries it.",
            "cancelled": "The order is cancelled already.",
        }
    )

    def __init__(self, status: str, why: str | None = None) -> None:
        super().__init__(why or self.WHY.get(status, f"The order is {status} and can no longer be cancelled."))
        self.status = status


class OrderMoved(OrdersError):
    """Nothing was written; the next look finds it where it is now."""


class StillOpen(OrdersError):
    """What the warehouse says will be true of it once our run has ended."""


class MixedCurrencies(OrdersError):
    """One order has one currency."""

    def __init__(self, currencies: list[str]) -> None:
        super().__init__(f"One order has one currency; these products have {', '.join(currencies)}.")


class TotalTooLarge(OrdersError):
    """The total is beyond what JSON carries exactly."""

    def __init__(self) -> None:
        super().__init__("The total is larger than can be represented.")
