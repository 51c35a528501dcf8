from tests.builders.orders import a_product
from tests.builders.sales import reported
from tests.builders.shop import Shop


async def test_what_runs_out_first_comes_first(shop: Shop) -> None:
    await shop.offer(a_product("vase", available=0), a_product("clock", available=3))
    result = (await reported(shop, type="stock"))["result"]
    assert [(row["sku"], row["available"]) for row in result["products"]] == [
        ("vase", 0),
        ("clock", 3),
        ("lamp", 100),
        ("mug", 100),
    ]
    assert (result["products_in_stock"], result["products_out_of_stock"]) == (3, 1)


async def test_what_is_held_for_orders_is_told(shop: Shop) -> None:
    await shop.write("UPDATE stock SET available = 97, reserved = 3 WHERE sku = 'mug'")
    result = (await reported(shop, type="stock"))["result"]
    assert result["products"][0] == {"sku": "mug", "name": "mug", "available": 97, "reserved": 3}


async def test_a_catalog_of_several_pages_is_counted_whole(shop: Shop) -> None:
    await shop.offer(*[a_product(f"vase-{number:04}", available=number) for number in range(1100)])
    result = (await reported(shop, type="stock"))["result"]
    assert len(result["products"]) == 1102
    assert (result["products_in_stock"], result["products_out_of_stock"]) == (1101, 1)
