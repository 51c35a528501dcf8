import asyncio
import base64
import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from orders_service.inventory.refreshing import PAGE_SIZE
from orders_service.inventory.schemas import ProductView
from pipelines import RunState
from tests.builders.catalog import a_draft, adjust, get, listed, put
from tests.builders.orders import a_product, an_order
from tests.builders.shop import Shop, open_shop


async def price_in_list(shop: Shop, sku: str = "mug", **query: Any) -> int:
    [amount] = [each["price"]["amount"] for each in (await listed(shop, **query))["items"] if each["sku"] == sku]
    return int(amount)


async def test_a_list_shows_products_as_they_are_shown_alone(shop: Shop) -> None:
    await put(shop, "sofa", name='"Sofa", größer }0}')
    for _ in range(2):  # rendered, and out of what was kept
        alone = [(await get(shop, sku)).json() for sku in ("lamp", "mug", "sofa")]
        assert await listed(shop) == {"items": alone, "next": None}


async def test_pages_have_neither_gaps_nor_doubles(shop: Shop) -> None:
    await shop.offer(*(a_product(f"p-{number:02}") for number in range(5)))
    for _ in range(2):
        seen: list[str] = []
        query: dict[str, Any] = {"limit": 3}
        while True:
            page = await listed(shop, **query)
            seen += [product["sku"] for product in page["items"]]
            if page["next"] is None:
                break
            query["cursor"] = page["next"]
        assert seen == ["lamp", "mug", *(f"p-{number:02}" for number in range(5))]


async def test_there_is_a_list_without_products(shop: Shop) -> None:
    for sku in ("lamp", "mug"):
        await shop.api.delete(f"/v1/products/{sku}")
    for _ in range(2):
        assert await listed(shop) == {"items": [], "next": None}


def made_up(*cursor: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(cursor).encode()).decode()


@pytest.mark.parametrize(
    "cursor", ["x", made_up("mug", "orders"), made_up("a\0b", "products"), made_up("\ud800", "products"), made_up(1, 2)]
)
async def test_a_cursor_that_was_made_up_is_refused(shop: Shop, cursor: str) -> None:
    assert (await shop.api.get("/v1/products", params={"cursor": cursor})).status_code == 422


async def test_what_orders_take_is_seen_at_once_though_the_page_was_kept(shop: Shop) -> None:
    await listed(shop)
    await shop.placed(an_order(mug=3))
    await shop.settled()
    assert [product["available"] for product in (await listed(shop))["items"]] == [100, 97]


@pytest.mark.parametrize("change", ["put", "delete", "adjust", "seed"])
async def test_no_change_is_missed_by_a_list_that_was_shown_before(shop: Shop, change: str) -> None:
    before = await listed(shop)
    match change:
        case "put":
            await put(shop, "mug", price=5)
        case "delete":
            await shop.api.delete("/v1/products/mug")
        case "adjust":
            await adjust(shop, "mug", 1)
        case "seed":
            await shop.offer(a_product("sofa"))
    after = await listed(shop)
    assert after != before
    shown = [await get(shop, sku) for sku in ("lamp", "mug", "sofa")]
    assert after["items"] == [each.json() for each in shown if each.status_code == 200]


async def test_a_product_change_has_the_front_pages_rendered_in_the_background(shop: Shop) -> None:
    await shop.offer(*(a_product(f"p-{number:03}") for number in range(PAGE_SIZE)))
    await put(shop, "mug", price=5)
    await shop.run_to_the_end()
    pages = shop.rows(text("SELECT revision, begins_after FROM catalog_pages ORDER BY begins_after"))
    revision = shop.rows(text("SELECT revision FROM catalog_state"))[0][0]
    assert [tuple(page) for page in pages] == [(revision, ""), (revision, f"p-{PAGE_SIZE - 3:03}")]
    first = await listed(shop)
    assert (await price_in_list(shop), len(first["items"])) == (5, PAGE_SIZE)
    assert [product["sku"] for product in (await listed(shop, cursor=first["next"]))["items"]] == ["p-048", "p-049"]


async def test_the_first_reader_is_shown_what_was_rendered(shop: Shop) -> None:
    await put(shop, "mug", price=5)
    await shop.run_to_the_end()
    await shop.write("UPDATE catalog_pages SET content = replace(content, 'Sofa', 'Settee')")
    names = [product["name"] for product in (await listed(shop))["items"]]
    assert names == ["lamp", "Settee"]


async def test_what_another_release_has_rendered_is_rendered_again(shop: Shop) -> None:
    await put(shop, "mug", price=5)
    await shop.run_to_the_end()
    shape = ",".join(ProductView.model_fields)
    await shop.write(
        "UPDATE catalog_pages SET content = replace(replace(content, :shape, 'sku'), 'Sofa', 'x')", shape=shape
    )
    assert [product["name"] for product in (await listed(shop))["items"]] == ["lamp", "Sofa"]


async def test_all_changes_of_a_second_are_one_refresh(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    second = shop.clock.now()
    with monkeypatch.context() as standing:
        standing.setattr(shop.clock, "now", lambda: second)
        await asyncio.gather(*(put(shop, f"p-{number}") for number in range(20)))
    statement = text("SELECT id, state FROM runs WHERE pipeline = 'refresh-catalog'")
    assert len(shop.rows(statement)) == 1
    await shop.run_to_the_end()
    assert {state for _, state in shop.rows(statement)} == {RunState.COMPLETED}
    assert len({page[0] for page in shop.rows(text("SELECT revision FROM catalog_pages"))}) == 1


async def test_no_reader_of_any_process_sees_a_price_older_than_was_answered(postgres_url: str, tmp_path: Path) -> None:
    async with open_shop(postgres_url, tmp_path) as here, open_shop(postgres_url, tmp_path) as there:
        answered, is_over = 1999, False

        async def read(shop: Shop) -> int:
            looks = 0
            while not is_over:
                told = answered
                assert await price_in_list(shop) >= told
                assert (await get(shop, "mug")).json()["price"]["amount"] >= told
                assert (await shop.placed(an_order(mug=1)))["total"]["amount"] >= told
                looks += 1
            return looks

        readers = [asyncio.create_task(read(shop), name="reader") for shop in (here, there)]
        for price in range(2000, 2060):
            assert (await put(here if price % 2 else there, "mug", price=price, available=100)).status_code == 200
            answered = price
        is_over = True
        assert min(await asyncio.gather(*readers)) > 5
        assert [await price_in_list(shop) for shop in (here, there)] == [2059, 2059]


async def test_a_change_by_another_process_is_seen_by_who_has_kept_the_page(postgres_url: str, tmp_path: Path) -> None:
    async with open_shop(postgres_url, tmp_path) as here, open_shop(postgres_url, tmp_path) as there:
        assert await price_in_list(there) == 1999
        for price in (1, 2, 3):
            await here.api.put("/v1/products/mug", json=a_draft(price=price))
            assert await price_in_list(there) == price
