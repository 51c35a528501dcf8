import json
from pathlib import Path
from typing import Any

import pytest

from orders_service import inventory
from orders_service.inventory import SMALL_CATALOG, read_catalog
from orders_service.money import LARGEST_AMOUNT
from orders_service.orders.schemas import OrderDraft
from tests.builders.orders import a_product, an_order
from tests.builders.shop import Shop


def an_entry(**fields: Any) -> dict[str, Any]:
    return {"sku": "mug", "name": "Mug", "price": {"amount": 895, "currency": "EUR"}, "available": 7, **fields}


def read(tmp_path: Path, content: str) -> Any:
    file = tmp_path / "catalog.json"
    file.write_text(content)
    return read_catalog(file)


def test_a_catalog_is_a_list_of_products(tmp_path: Path) -> None:
    [entry] = read(tmp_path, json.dumps([an_entry()]))
    assert entry.model_dump() == an_entry()


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("", "JSON"),
        ("{}", "valid"),
        (json.dumps([an_entry(available=-1)]), r"0\.available"),
        (json.dumps([an_entry(), an_entry(price={"amount": 8.95, "currency": "EUR"})]), r"1\.price\.amount"),
        (json.dumps([an_entry(colour="red")]), r"0\.colour"),
        (json.dumps([an_entry(), an_entry()]), "more than once in the catalog: mug"),
        (json.dumps([an_entry(sku="not a sku")]), r"0\.sku"),
        (json.dumps([an_entry(available=2**63)]), r"0\.available"),
    ],
)
def test_a_catalog_that_is_wrong_is_refused_by_entry_and_field(tmp_path: Path, content: str, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        read(tmp_path, content)


@pytest.mark.parametrize("entry", SMALL_CATALOG, ids=lambda entry: entry.sku)
def test_everything_in_the_small_catalog_can_be_ordered(entry: inventory.CatalogEntry) -> None:
    assert OrderDraft.model_validate(an_order(items=[{"sku": entry.sku, "quantity": 1}]))


async def test_what_is_there_keeps_its_price_and_its_stock(shop: Shop) -> None:
    added = await shop.process.write(inventory.seed, (a_product("mug", price=1, available=1), a_product("sofa")))
    assert added == 1
    assert shop.shelf("mug") == (100, 0)
    assert (await shop.placed(an_order(mug=1)))["total"]["amount"] == 1999


async def test_the_largest_numbers_are_stored(shop: Shop) -> None:
    await shop.offer(a_product("atom", price=LARGEST_AMOUNT, available=2**53 - 1))
    assert shop.shelf("atom") == (2**53 - 1, 0)
