"""What we sell, how many there are, and for whom some are held. The front door of this slice."""

from orders_service.inventory.errors import (
    HoldMoved,
    InventoryError,
    NoSuchProduct,
    NotEnoughStock,
    OutOfStock,
    ProductMoved,
    UnknownProduct,
)
from orders_service.inventory.queries import unbalanced
from orders_service.inventory.refreshing import refresh_catalog
from orders_service.inventory.seeding import SMALL_CATALOG, CatalogEntry, read_catalog, seed
from orders_service.inventory.shelves import ShelfRow, names_of, shelf_rows
from orders_service.inventory.skus import Sku
from orders_service.inventory.stock import (
    exists,
    expired_holds,
    keep,
    prices_of,
    prices_on_sale,
    prolong,
    release,
    reserve,
    ship,
)
from orders_service.inventory.window import Window

__all__ = [
    "SMALL_CATALOG",
    "CatalogEntry",
    "HoldMoved",
    "InventoryError",
    "NoSuchProduct",
    "NotEnoughStock",
    "OutOfStock",
    "ProductMoved",
    "ShelfRow",
    "Sku",
    "UnknownProduct",
    "Window",
    "exists",
    "expired_holds",
    "keep",
    "names_of",
    "prices_of",
    "prices_on_sale",
    "prolong",
    "read_catalog",
    "refresh_catalog",
    "release",
    "reserve",
    "seed",
    "shelf_rows",
    "ship",
    "unbalanced",
]
