"""However the preparation of a picture ends, the file that was sent goes, and an older picture never comes back."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from orders_service.images.schemas import image_url
from pipelines import cancel
from tests.builders.gallery import MUG, Gallery
from tests.builders.orders import a_product
from tests.builders.pictures import a_hollow_picture, a_picture, form, opened
from tests.builders.shop import Shop, open_shop


@pytest.fixture
def stores(migrated_url: str, tmp_path: Path) -> Callable[..., Any]:
    """The same shop again and again, each time with a new process."""
    return lambda **settings: open_shop(migrated_url, tmp_path, **settings)


async def sent(shop: Shop, content: bytes, kind: str = "image/jpeg", *, sku: str = "mug") -> UUID:
    response = await shop.api.put(image_url(sku), files=form(content, kind=kind))
    assert response.status_code == 202, response.text
    return UUID(response.json()["run"]["id"])


def ends(shop: Shop) -> list[tuple[str, str | None]]:
    rows = shop.rows(text("SELECT state, reason FROM product_image_uploads ORDER BY number"))
    return [tuple(row) for row in rows]


async def test_who_accepts_a_picture_need_not_be_who_prepares_it(stores: Callable[..., Any]) -> None:
    async with stores(role="api") as shop:
        await sent(shop, a_picture())
        await shop.settled()
        assert (shop.count("uploads"), (await shop.api.get(MUG)).status_code) == (1, 404)
    async with stores() as shop:
        await shop.run_to_the_end()
        assert (await shop.api.get(MUG)).status_code == 200
        assert Gallery(shop).files_left() == (0, 0)


async def test_a_refused_picture_goes_too(stores: Callable[..., Any]) -> None:
    async with stores() as shop:
        await sent(shop, a_hollow_picture(), "image/png")
        await shop.run_to_the_end()
        assert ends(shop) == [("rejected", "the picture is damaged and cannot be decoded")]
        assert Gallery(shop).files_left() == (0, 0)


async def test_a_cancelled_one_too(stores: Callable[..., Any]) -> None:
    async with stores(role="api") as shop:
        run_id = await sent(shop, a_picture())
        await shop.process.write(cancel, run_id, reason="a mistake")
    async with stores() as shop:
        await shop.run_to_the_end()
        assert ends(shop) == [("cancelled", "a mistake")]
        assert Gallery(shop).files_left() == (0, 0)
        assert (await shop.api.get(MUG)).status_code == 404


async def test_a_quarantined_one_too(stores: Callable[..., Any]) -> None:
    async with stores(role="api") as shop:
        await sent(shop, a_picture())
        judged = "state = 'quarantined', ending = 'quarantined', crashes = 3"  # as the reaper does, after three deaths
        await shop.write(f"UPDATE runs SET {judged} WHERE pipeline = 'prepare-image'")  # noqa: S608 - from above
    async with stores() as shop:
        await shop.run_to_the_end()
        assert [state for state, _ in ends(shop)] == ["failed"]
        assert Gallery(shop).files_left() == (0, 0)


async def test_one_whose_step_fails_too(own_shop: Shop) -> None:
    await own_shop.write("ALTER TABLE product_image_sizes RENAME TO mislaid")
    await sent(own_shop, a_picture())
    await own_shop.run_to_the_end()
    assert [state for state, _ in ends(own_shop)] == ["failed"]
    assert Gallery(own_shop).files_left() == (0, 0)
    detail = (await own_shop.api.get(MUG)).json()["detail"]
    assert "mislaid" not in detail


async def test_one_whose_product_has_gone_too(stores: Callable[..., Any]) -> None:
    async with stores(role="api") as shop:
        await shop.offer(a_product("clock"))  # which the next process does not put up again
        await sent(shop, a_picture(), sku="clock")
        await shop.api.delete("/v1/products/clock")
    async with stores() as shop:
        await shop.run_to_the_end()
        assert ends(shop) == [("rejected", "the product is no longer in the catalog")]
        assert Gallery(shop).files_left() == (0, 0)
        assert shop.count("product_image_sizes") == 0


async def test_pictures_that_wait_are_shown_in_the_order_in_which_they_came(stores: Callable[..., Any]) -> None:
    async with stores(role="api") as shop:
        for width in (30, 40, 50):
            await sent(shop, a_picture(width=width))
    async with stores() as shop:
        await shop.run_to_the_end()
        assert [state for state, _ in ends(shop)] == ["ready"] * 3
        assert opened((await shop.api.get(MUG)).content).width == 50
        assert Gallery(shop).files_left() == (0, 0)


async def test_a_picture_waits_for_those_that_came_before_it(stores: Callable[..., Any]) -> None:
    async with stores(role="api") as shop:
        first = await sent(shop, a_picture(width=30))
        await sent(shop, a_picture(width=40))
        await shop.write("UPDATE runs SET due_at = '2100-01-01' WHERE id = :id", id=stored(shop, first))
    async with stores() as shop:
        await shop.settled()
        assert (await shop.api.get(MUG)).status_code == 404
        await shop.write("UPDATE runs SET due_at = created_at WHERE id = :id", id=stored(shop, first))
        await shop.run_to_the_end()
        assert ends(shop) == [("ready", None), ("ready", None)]


async def test_an_older_picture_that_is_tried_again_does_not_replace_a_newer_one(stores: Callable[..., Any]) -> None:
    async with stores(role="api") as shop:
        older = await sent(shop, a_picture(width=30))
        await sent(shop, a_picture(width=40))
        await shop.write(
            "UPDATE runs SET serial = 'beside', due_at = '2100-01-01' WHERE id = :id", id=stored(shop, older)
        )
    async with stores() as shop:
        await shop.settled()
        assert opened((await shop.api.get(MUG)).content).width == 40
        await shop.write("UPDATE runs SET due_at = created_at WHERE id = :id", id=stored(shop, older))
        await shop.run_to_the_end()
        assert opened((await shop.api.get(MUG)).content).width == 40
        assert ends(shop) == [("rejected", "a newer picture has taken its place, or it was removed"), ("ready", None)]
        assert Gallery(shop).files_left() == (0, 0)


async def test_what_is_removed_before_it_is_ready_does_not_come_up_later(stores: Callable[..., Any]) -> None:
    async with stores(role="api") as shop:
        await sent(shop, a_picture(width=30))
        assert (await shop.api.delete(MUG)).status_code == 204
        await sent(shop, a_hollow_picture(), "image/png")
    async with stores() as shop:
        await shop.run_to_the_end()
        assert [state for state, _ in ends(shop)] == ["rejected", "rejected"]
        assert (await shop.api.get(MUG)).status_code == 404
        assert Gallery(shop).files_left() == (0, 0)


async def test_a_run_that_is_retried_says_that_its_file_is_gone(own_shop: Shop) -> None:
    await own_shop.write("ALTER TABLE product_image_sizes RENAME TO mislaid")
    run_id = await sent(own_shop, a_picture())
    await own_shop.run_to_the_end()
    await own_shop.write("ALTER TABLE mislaid RENAME TO product_image_sizes")
    await own_shop.process.write(own_shop.process.steering.retry, run_id, actor="ada", reason="the table is back")
    await own_shop.run_to_the_end()
    assert ends(own_shop) == [("rejected", "the file is no longer kept: send it again")]
    assert Gallery(own_shop).files_left() == (0, 0)


def stored(shop: Shop, run_id: UUID) -> object:
    """An id as this database keeps it."""
    return run_id if shop.process.readers.dialect.name == "postgresql" else run_id.hex
