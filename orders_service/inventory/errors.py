"""InventoryError
├── UnknownProduct   no product has this SKU
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


class OutOfStock(Reject, InventoryError):
    """A business reason: the order is rejected, and nobody is paged."""

    def __init__(self, skus: Sequence[str]) -> None:
        super().__init__(f"out of stock: {', '.join(skus)}")
        self.skus = tuple(skus)
