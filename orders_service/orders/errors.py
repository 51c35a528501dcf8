"""OrdersError
├── UnknownOrder        no order has this id, or it is somebody else's
├── NotCancellable      the order has come too far, or has ended
├── MixedCurrencies     its products are sold in several currencies
└── TotalTooLarge       the sum does not fit
"""  # noqa: D205, D400 - the tree is the text


class OrdersError(Exception):
    """The base of this slice's errors."""


class UnknownOrder(OrdersError):
    """The same for a missing order and for one that the asker may not see."""


class NotCancellable(OrdersError):
    """Says in which state the order is."""

    def __init__(self, status: str) -> None:
        super().__init__(f"The order is {status} and can no longer be cancelled.")
        self.status = status


class MixedCurrencies(OrdersError):
    """One order has one currency."""

    def __init__(self, currencies: list[str]) -> None:
        super().__init__(f"One order has one currency; these products have {', '.join(currencies)}.")


class TotalTooLarge(OrdersError):
    """The total is beyond what JSON carries exactly."""

    def __init__(self) -> None:
        super().__init__("The total is larger than can be represented.")
