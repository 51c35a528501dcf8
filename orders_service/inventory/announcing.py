"""A product has changed: everybody who keeps a copy is told, in the transaction of the change."""

from enum import StrEnum

from orders_service import subscriptions
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


def announce(tx: Transaction, event: ProductEvent, product: ProductView, **more: object) -> None:
    """The one place that every change of a product by a person passes, after all else of it has been written.

    Rendered pages of the catalog are void with this COMMIT, and subscribers are told.
    """
    page_queries.raise_revision(tx)
    start_refresh(tx)
    subscriptions.publish(tx, event, product.model_dump() | more, owner=None)
