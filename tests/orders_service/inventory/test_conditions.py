import asyncio

import pytest

from tests.builders.catalog import a_draft, adjust, get, put
from tests.builders.orders import an_order
from tests.builders.shop import Shop


async def etag(shop: Shop, sku: str = "mug") -> str:
    return str((await get(shop, sku)).headers["etag"])


async def put_if(shop: Shop, sku: str = "mug", **headers: str) -> int:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return (await shop.api.put(f"/v1/products/{sku}", json=a_draft(), headers=named)).status_code


async def test_what_is_known_is_not_sent_again(shop: Shop) -> None:
    tag = await etag(shop)
    for known in (tag, f"W/{tag}", f'"x", {tag}', "*"):
        response = await get(shop, "mug", **{"If-None-Match": known})
        assert (response.status_code, response.content, response.headers["etag"]) == (304, b"", tag)
    assert (await get(shop, "mug", **{"If-None-Match": '"x"'})).status_code == 200


async def test_the_tag_moves_with_all_that_is_shown(shop: Shop) -> None:
    tags = [await etag(shop)]
    await put(shop, "mug", name="Mug", available=100)
    tags.append(await etag(shop))
    await put(shop, "mug", name="Mug", available=100, price=5)
    tags.append(await etag(shop))
    await adjust(shop, "mug", 3)
    tags.append(await etag(shop))
    await shop.placed(an_order(mug=2))
    await shop.settled()
    tags.append(await etag(shop))
    assert len(set(tags)) == 5


async def test_a_stale_tag_changes_nothing(shop: Shop) -> None:
    stale = await etag(shop)
    await put(shop, "mug", name="Mug")
    now = (await get(shop, "mug")).json()
    refused = [
        await put_if(shop, If_Match=stale),
        (await shop.api.delete("/v1/products/mug", headers={"If-Match": stale})).status_code,
        (await adjust(shop, "mug", 1, **{"If-Match": stale})).status_code,
    ]
    assert refused == [412, 412, 412]
    assert (await get(shop, "mug")).json() == now


async def test_a_tag_from_before_an_order_would_count_what_was_sold_twice(shop: Shop) -> None:
    stale = await etag(shop)
    await shop.placed(an_order(mug=2))
    await shop.settled()
    assert await put_if(shop, If_Match=stale) == 412
    assert shop.shelf("mug") == (98, 2)


async def test_the_tag_of_now_lets_a_change_pass(shop: Shop) -> None:
    assert (await adjust(shop, "mug", 1, **{"If-Match": await etag(shop)})).status_code == 200
    assert await put_if(shop, If_Match=f'"x", {await etag(shop)}') == 200
    response = await shop.api.delete("/v1/products/mug", headers={"If-Match": await etag(shop)})
    assert response.status_code == 204


@pytest.mark.parametrize("if_match", ["x", "", '"', "W/*", "*x", "mug", '"1.1"'])
async def test_what_is_no_tag_of_it_matches_nothing(corner_shop: Shop, if_match: str) -> None:
    assert await put_if(corner_shop, If_Match=if_match) == 412


async def test_a_weak_tag_is_not_enough_to_change_something(corner_shop: Shop) -> None:
    assert await put_if(corner_shop, If_Match=f"W/{await etag(corner_shop)}") == 412


async def test_a_star_asks_that_there_is_one_or_none(shop: Shop) -> None:
    assert await put_if(shop, "sofa", If_Match="*") == 412
    assert await put_if(shop, "sofa", If_None_Match="*") == 201
    assert await put_if(shop, "sofa", If_None_Match="*") == 412
    assert await put_if(shop, "sofa", If_Match="*") == 200
    await shop.api.delete("/v1/products/sofa")
    assert await put_if(shop, "sofa", If_Match="*") == 412
    assert await put_if(shop, "sofa", If_None_Match="*") == 201


async def test_of_many_with_the_same_tag_one_changes_it(shop: Shop) -> None:
    headers = {"If-Match": await etag(shop)}
    bodies = [a_draft(price=price) for price in range(1, 9)]
    answers = await asyncio.gather(*(shop.api.put("/v1/products/mug", json=each, headers=headers) for each in bodies))
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 7


async def test_of_many_who_create_if_there_is_none_one_does(shop: Shop) -> None:
    answers = await asyncio.gather(*(put_if(shop, "sofa", If_None_Match="*") for _ in range(8)))
    assert sorted(answers) == [201] + [412] * 7
