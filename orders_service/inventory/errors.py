"""InventoryError
├── UnknownProduct   no product has this SKU
└── OutOfStock       a Reject: fewer are available than asked for
"""  # noqa: D205, D400 - the tree is the text

from collections.abc import Sequence

from pipelines import Reject


class InventoryError(Exception):
    """The base of this slice's errors."""


class UnknownProduct(InventoryError):
    """Some of these are not in the catalog."""

    def __init__(self, skus: Sequence[str]) -> None:
        super().__init__(f"not in the catalog: {', '.join(skus)}")
        self.skus = tuple(skus)


class OutOfStock(Reject, InventoryError):
    """A business reason: the order is rejected, and nobody is paged."""

    def __init__(self, skus: Sequence[str]) -> None:
        super().__init__(f"out of stock: {', '.join(skus)}")
        self.skus = tuple(skus)
