"""A first catalog: what a development server offers, or what a file says."""

from collections import Counter
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from orders_service.inventory import page_queries, queries
from orders_service.inventory.moving import shelve
from orders_service.inventory.schemas import MOST_AVAILABLE
from orders_service.inventory.skus import Sku
from orders_service.money import Money
from pipelines import Transaction


class CatalogEntry(BaseModel):
    """One product of a catalog file; the shape in which the API shows it."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    sku: Sku
    name: str = Field(min_length=1, max_length=200)
    price: Money
    available: int = Field(ge=0, le=MOST_AVAILABLE)


SMALL_CATALOG = (
    CatalogEntry(sku="LAMP-01", name="Desk lamp", price=Money(amount=1999, currency="EUR"), available=10_000),
    CatalogEntry(sku="MUG-01", name="Mug, 300 ml", price=Money(amount=895, currency="EUR"), available=10_000),
    CatalogEntry(sku="CHAIR-01", name="Reading chair", price=Money(amount=24900, currency="EUR"), available=250),
    CatalogEntry(
        sku="CLOCK-01", name="Wall clock, the last one", price=Money(amount=4950, currency="EUR"), available=1
    ),
)


def read_catalog(file: Path) -> tuple[CatalogEntry, ...]:
    """Read a JSON list of products. Raises `ValueError` in words that name the entry and the field."""
    entries = TypeAdapter(tuple[CatalogEntry, ...]).validate_json(file.read_bytes())
    counted = Counter(entry.sku for entry in entries)
    if twice := sorted(sku for sku, count in counted.items() if count > 1):
        raise ValueError(f"more than once in the catalog: {', '.join(twice)}")
    return entries


def seed(tx: Transaction, entries: tuple[CatalogEntry, ...]) -> int:
    """Add the products that are not there yet; says how many. What is there keeps its price and stock.

    What was removed stays removed.
    """
    there = queries.known(tx, [entry.sku for entry in entries])
    new = [entry for entry in entries if entry.sku not in there]
    for entry in new:
        shelve(tx, entry.sku, entry, reason="first stock", actor="seed")
    if new:
        page_queries.raise_revision(tx)
    return len(new)
