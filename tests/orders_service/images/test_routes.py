import asyncio
import json
from typing import Any

import pytest
from sqlalchemy import text

from orders_service.auth import Scope, issue_key
from orders_service.images import queries
from tests.builders.gallery import MUG, Gallery
from tests.builders.pictures import HTML, a_hollow_picture, a_photo, a_picture, form, opened
from tests.builders.shop import Shop
from tests.builders.subscriptions import subscribed


async def test_a_picture_is_answered_at_once_and_shown_soon(gallery: Gallery) -> None:
    response = await gallery.send()
    assert (response.status_code, response.headers["location"], response.headers["retry-after"]) == (202, MUG, "1")
    sent = response.json()
    assert (sent["sku"], sent["state"], sent["image"]) == ("mug", "pending", None)
    assert (await gallery.shop.api.get(sent["run"]["url"])).json()["pipeline"] == "prepare-image"
    await gallery.shop.settled()
    shown = await gallery.shown()
    assert shown.status_code == 200
    assert opened(shown.content).size == (400, 300)


async def test_the_status_says_what_has_become_of_it(gallery: Gallery) -> None:
    sent = await gallery.sent(a_picture(width=1200, height=600))
    await gallery.shop.settled()
    status = await gallery.status()
    sizes = [{"width": width, "height": width // 2, "media_type": "image/jpeg"} for width in (80, 320, 1024, 1200)]
    assert status == sent | {"state": "ready", "image": {**status["image"], "url": MUG, "sizes": sizes}}


@pytest.mark.parametrize(
    ("asked", "width"),
    [(1, 80), (80, 80), (81, 320), (320, 320), (500, 1024), (1100, 1200), (5000, 1200), (None, 1200)],
)
async def test_the_size_that_fits_best_is_shown(small_gallery: Gallery, asked: int | None, width: int) -> None:
    await small_gallery.sent(a_picture(width=1200, height=600))
    await small_gallery.shop.settled()
    shown = await small_gallery.shown(params={"width": asked} if asked is not None else {})
    assert opened(shown.content).size == (width, width // 2)
    assert shown.headers["content-disposition"] == f'inline; filename="mug-{width}.jpg"'


async def test_what_is_shown_cannot_be_taken_for_anything_else(small_gallery: Gallery) -> None:
    await small_gallery.sent(a_picture("PNG", mode="RGBA", color=(1, 2, 3, 90)), "image/png")
    await small_gallery.shop.settled()
    headers = (await small_gallery.shown()).headers
    assert headers["content-type"] == "image/webp"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"] == "default-src 'none'"
    assert headers["cache-control"] == "private, no-cache"


@pytest.mark.parametrize("named", ["{}", "W/{}", '"x", {}', "*"])
async def test_who_has_it_is_not_sent_it_again(gallery: Gallery, named: str) -> None:
    await gallery.sent()
    await gallery.shop.settled()
    etag = (await gallery.shown()).headers["etag"]
    again = await gallery.shown(headers={"If-None-Match": named.format(etag)})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)


async def test_each_size_of_each_picture_has_its_own_tag(small_gallery: Gallery) -> None:
    tags = []
    for seed in (1, 2):
        await small_gallery.sent(a_photo(seed=seed))
        await small_gallery.shop.settled()
        tags += [(await small_gallery.shown(params={"width": width})).headers["etag"] for width in (80, 320)]
    assert len(set(tags)) == 4
    stale = await small_gallery.shown(params={"width": 80}, headers={"If-None-Match": tags[0]})
    assert stale.status_code == 200


async def test_before_there_is_one_the_reason_is_told(gallery: Gallery) -> None:
    async def told() -> tuple[str, str | None]:
        response = await gallery.shown()
        assert (response.status_code, response.json()["code"]) == (404, "not-found")
        return response.json()["detail"], response.headers.get("retry-after")

    assert await told() == ("This product has no picture.", None)
    async with asyncio.timeout(10):
        await gallery.sent(a_hollow_picture(), "image/png")
        await gallery.shop.settled()
    refused = "the picture is damaged and cannot be decoded"
    assert await told() == (f"The last picture of this product was refused: {refused}.", None)
    assert (await gallery.status())["reason"] == refused


async def test_a_broken_picture_leaves_the_one_before_it(gallery: Gallery) -> None:
    await gallery.sent()
    await gallery.shop.settled()
    before = (await gallery.shown()).content
    sent = await gallery.sent(a_hollow_picture(), "image/png")
    await gallery.shop.settled()
    assert (await gallery.shown()).content == before
    assert (await gallery.shop.api.get(sent["run"]["url"])).json()["state"] == "rejected"
    assert (await gallery.status())["state"] == "rejected"


async def test_a_picture_is_taken_down(gallery: Gallery) -> None:
    await gallery.sent()
    await gallery.shop.settled()
    assert (await gallery.shop.api.delete(MUG)).status_code == 204
    assert (await gallery.shown()).status_code == 404
    assert gallery.shop.count("product_image_sizes") == 0
    assert (await gallery.status())["state"] == "removed"
    assert (await gallery.shop.api.delete(MUG)).status_code == 404


@pytest.mark.parametrize(("method", "suffix"), [("GET", ""), ("PUT", ""), ("DELETE", ""), ("GET", "/status")])
async def test_what_is_not_sold_has_no_picture(gallery: Gallery, method: str, suffix: str) -> None:
    files: Any = form(a_photo()) if method == "PUT" else None
    response = await gallery.shop.api.request(method, f"/v1/products/unicorn/image{suffix}", files=files)
    assert (response.status_code, response.json()["code"]) == (404, "not-found")
    assert gallery.files_left() == (0, 0)


async def test_a_product_that_is_gone_shows_nothing(gallery: Gallery) -> None:
    await gallery.sent()
    await gallery.shop.settled()
    await gallery.shop.api.delete("/v1/products/mug")
    assert (await gallery.shown()).status_code == 404


async def test_who_did_it_is_audited(gallery: Gallery) -> None:
    await gallery.sent(a_picture(width=40, height=30))
    await gallery.shop.settled()
    await gallery.shop.api.delete(MUG)
    entries = (await gallery.shop.api.get("/v1/audit", params={"subject_id": "mug"})).json()["items"]
    assert [(entry["action"], entry["subject_type"], entry["actor"]) for entry in entries] == [
        ("product_image_removed", "product", "admin"),
        ("product_image_uploaded", "product", "admin"),
    ]
    assert entries[0]["before"]["state"] == "ready"
    after = entries[1]["after"]
    assert (after["media_type"], after["width"], after["height"]) == ("image/jpeg", 40, 30)


async def test_what_was_refused_is_not_audited(gallery: Gallery) -> None:
    await gallery.send(HTML)
    assert gallery.shop.count("audit_entries") == 0


async def test_who_sent_a_picture_may_follow_its_run(gallery: Gallery) -> None:
    shop = gallery.shop
    keys = [await shop.process.write(issue_key, name, scopes={Scope.CATALOG_WRITE}) for name in ("cara", "carl")]
    cara, carl = map(shop.client, keys)
    first = await gallery.sent(by=cara)
    await gallery.sent(by=carl)
    statuses = [(await client.get(first["run"]["url"])).status_code for client in (cara, carl, shop.api)]
    assert statuses == [200, 404, 200]


@pytest.mark.parametrize("then", [None, a_photo(seed=2)], ids=["removed", "replaced"])
async def test_what_is_shown_is_of_one_moment(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch, then: bytes | None
) -> None:
    await gallery.sent(a_photo(seed=1))
    await gallery.shop.settled()
    before, meanwhile = await gallery.shown(), asyncio.get_running_loop()

    async def change() -> None:
        await gallery.shop.api.delete(MUG)
        if then is not None:
            await gallery.sent(then)
            await gallery.shop.settled()

    def read_after_a_change(*asked: Any) -> bytes:
        asyncio.run_coroutine_threadsafe(change(), meanwhile).result(20)
        return content(*asked)

    content = queries.content
    monkeypatch.setattr(queries, "content", read_after_a_change)
    shown = await gallery.shown()
    assert (shown.status_code, shown.headers["etag"]) == (200, before.headers["etag"])
    assert shown.content == before.content


async def test_any_customer_may_look(gallery: Gallery) -> None:
    await gallery.sent()
    await gallery.shop.settled()
    ada = await gallery.shop.client_of("ada")
    assert (await ada.get(MUG)).status_code == 200
    assert [(await ada.request(method, MUG)).status_code for method in ("PUT", "DELETE")] == [403, 403]


async def test_subscribers_are_told_of_the_sizes(gallery: Gallery) -> None:
    await subscribed(await gallery.shop.client_of("ada"), "product.image_ready")
    await gallery.sent(a_picture(width=100, height=50))
    await gallery.shop.settled()
    sizes = [{"width": width, "height": width // 2, "url": f"{MUG}?width={width}"} for width in (80, 100)]
    [(_, body, _)] = gallery.shop.subscribers.sent
    assert json.loads(body)["data"] == {"sku": "mug", "url": MUG, "sizes": sizes}


async def test_of_many_at_once_the_last_that_was_accepted_is_shown(shop: Shop) -> None:
    pictures = [a_picture(width=10 + place) for place in range(8)]
    await asyncio.gather(*(shop.api.put(MUG, files=form(picture)) for picture in pictures))
    await shop.run_to_the_end()
    numbers = shop.rows(text("SELECT number, state FROM product_image_uploads ORDER BY number"))
    assert [tuple(row) for row in numbers] == [(number, "ready") for number in range(1, 9)]
    assert shop.rows(text("SELECT newest, shown FROM product_images")) == [(8, 8)]
    assert shop.count("product_image_sizes") == 1
