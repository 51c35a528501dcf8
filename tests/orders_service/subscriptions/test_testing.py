"""Test events on request: there is an end to how many may be on their way at once."""

import asyncio

from tests.builders.shop import Shop
from tests.builders.subscriptions import deliveries, path_of, subscribed

MOST = 5


async def test_there_is_an_end_to_how_many_tests_are_on_their_way(shop: Shop) -> None:
    endpoint, other = await subscribed(shop.api), await subscribed(shop.api)
    shop.subscribers.door.close()
    for _ in range(MOST):
        assert (await shop.api.post(path_of(endpoint, "test"))).status_code == 202
    response = await shop.api.post(path_of(endpoint, "test"))
    assert (response.status_code, response.json()["code"]) == (409, "state-conflict")
    assert (await shop.api.post(path_of(other, "test"))).status_code == 202
    shop.subscribers.door.open()
    await shop.settled()
    assert (await shop.api.post(path_of(endpoint, "test"))).status_code == 202


async def test_many_tests_that_are_asked_for_at_once_are_counted_too(shop: Shop) -> None:
    endpoint = await subscribed(shop.api)
    shop.subscribers.door.close()
    answers = await asyncio.gather(*(shop.api.post(path_of(endpoint, "test")) for _ in range(4 * MOST)))
    assert sorted(answer.status_code for answer in answers) == [202] * MOST + [409] * 3 * MOST
    assert len(await deliveries(shop.api, endpoint)) == MOST
    shop.subscribers.door.open()
