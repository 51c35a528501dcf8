"""InventoryError
├── UnknownProduct   some of the products that an order names are not in the catalog
├── NoSuchProduct    no product has this SKU, or it is not sold any more
├── NotEnoughStock   an adjustment would leave fewer than none, or more than can be counted
├── ProductMoved     somebody else changed the product at the same moment: look again
├── HoldMoved        somebody else gave back or shipped what was held at the same moment: look again
└── OutOfStock       a Reject: fewer are available than asked for
"""  # noqa: D205, D400 - the tree is the text

from collections.abc import Sequence

from pipelines import Reject


class InventoryError(Exception):
    """The base of this slice's errors."""


class UnknownProduct(InventoryError):
    """Some are not in the catalog: `places` says where in the list that was asked for."""

    def __init__(self, places: Sequence[int]) -> None:
        super().__init__(f"not in the catalog: {len(places)} products")
        self.places = tuple(places)


class NoSuchProduct(InventoryError):
    """The same for one that never was and for one that was removed."""


class NotEnoughStock(InventoryError):
    """Says how many there are."""

    def __init__(self, available: int, change: int) -> None:
        super().__init__(f"{available} are available, which cannot be changed by {change:+}.")
        self.available = available


class ProductMoved(InventoryError):
    """Nothing was written; whoever calls again sees what has changed."""

    def __init__(self, sku: str) -> None:
        super().__init__(f"Others are changing {sku} at this moment.")
        self.sku = sku


class HoldMoved(InventoryError):
    """Nothing was written; whoever calls again sees what has changed."""

    def __init__(self) -> None:
        super().__init__("What was held for the order has just been given back or shipped.")


class OutOfStock(Reject, InventoryError):
    """A business reason: the order is rejected, and nobody is paged."""

    def __init__(self, skus: Sequence[str]) -> None:
        super().__init__(f"out of stock: {', '.join(skus)}")
        self.skus = tuple(skus)
