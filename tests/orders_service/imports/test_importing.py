
from tests.builders.imports import a_row, imported
from tests.builders.shop import Shop


async def test_each_reference_becomes_an_order(shop: Shop) -> None:
    done = await imported(shop, a_row("A", quantity=2), a_row("A", sku="lamp"), a_row("B"))
    assert (done["state"], done["orders"], done["failed_rows"]) == ("completed", 2, 0)
    assert done["progress"] == {"done": 3, "total": 3}
    orders = (await shop.api.get("/v1/orders")).json()["items"]
    assert [[(item["sku"], item["quantity"]) for item in order["items"]] for order in orders] == [
        [("mug", 1)],
        [("mug", 2), ("lamp", 1)],
    ]
    assert {order["status"] for order in orders} == {"completed"}
    assert len(shop.mail.letters) == len(shop.warehouse.requests) == 2


async def test_the_file_is_removed_at_the_end(shop: Shop) -> None:
    await imported(shop, a_row())
    assert (shop.count("uploads"), shop.count("upload_parts")) == (0, 0)
