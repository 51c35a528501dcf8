"""A product has changed: everybody who keeps a copy is told, in the transaction of the change."""

from enum import StrEnum

from orders_service.inventory import page_queries
from orders_service.inventory.refreshing import start_refresh
from orders_service.inventory.schemas import ProductView
from pipelines import Transaction


class ProductEvent(StrEnum):
    """What may happen to a product, in the words of our events."""

    CREATED = "product.created"
    UPDATED = "product.updated"
    DELETED = "product.deleted"
    STOCK_ADJUSTED = "product.stock_adjusted"


def announce(tx: Transaction, event: ProductEvent, product: ProductView) -> None:  # noqa: ARG001 - see below
    """The one place that every change of a product by a person passes, after all else of it has been written.

    Rendered pages of the catalog are void with this COMMIT. Subscribers will be told from here:
    `subscriptions.publish(tx, event, product.model_dump(mode="json"), owner=None)`.
    """
    page_queries.raise_revision(tx)
    start_refresh(tx)
