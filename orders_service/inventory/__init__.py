"""What we sell, how many there are, and for whom some are held. The front door of this slice."""

from orders_service.inventory.errors import InventoryError, OutOfStock, UnknownProduct
from orders_service.inventory.seeding import SMALL_CATALOG, CatalogEntry, read_catalog, seed
from orders_service.inventory.shelves import ShelfRow, names_of, shelf_rows
from orders_service.inventory.skus import Sku
from orders_service.inventory.stock import prices_of, prices_on_sale, release, reserve

__all__ = [
    "SMALL_CATALOG",
    "CatalogEntry",
    "InventoryError",
    "OutOfStock",
    "ShelfRow",
    "Sku",
    "UnknownProduct",
    "names_of",
    "prices_of",
    "prices_on_sale",
    "read_catalog",
    "release",
    "reserve",
    "seed",
    "shelf_rows",
]
