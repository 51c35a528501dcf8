"""An endpoint that hears of everything is staff's: a key with the name of an admin's, but not his rights, is nobody."""

from typing import Any
from uuid import uuid4

import httpx2
import pytest

from orders_service.auth import Scope
from tests.builders.shop import Shop
from tests.builders.subscriptions import ENDPOINTS, deliveries, path_of, subscribed

NO_DELIVERY = "01a1fccd-1aee-748f-9e6d-a53a446f6bc9"


async def staff_and_namesake(shop: Shop) -> tuple[httpx2.AsyncClient, httpx2.AsyncClient]:
    return await shop.client_of("robot", is_admin=True), await shop.client_of("robot")


@pytest.mark.parametrize(
    ("method", "suffix", "body"),
    [
        ("GET", "", None),
        ("PATCH", "", {"url": "https://example.com/mine"}),
        ("DELETE", "", None),
        ("POST", "/rotate-secret", {}),
        ("POST", "/test", None),
        ("POST", "/resend", {"failed_since": "2026-11-28T12:00:00Z"}),
        ("GET", "/deliveries", None),
        ("GET", f"/deliveries/{NO_DELIVERY}", None),
    ],
)
async def test_a_namesake_finds_no_endpoint_of_staff(shop: Shop, method: str, suffix: str, body: Any) -> None:
    staff, namesake = await staff_and_namesake(shop)
    endpoint = await subscribed(staff)
    before = (await staff.get(path_of(endpoint))).json()
    answers = [
        await namesake.request(method, f"{ENDPOINTS}/{each}{suffix}", json=body, headers={"X-Request-Id": "same"})
        for each in (endpoint["id"], uuid4())
    ]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert (answers[0].content, answers[0].headers) == (answers[1].content, answers[1].headers)
    assert (await staff.get(path_of(endpoint))).json() == before


async def test_a_namesake_is_listed_only_what_is_not_of_staff(shop: Shop) -> None:
    staff, namesake = await staff_and_namesake(shop)
    await subscribed(staff)
    own = await subscribed(namesake)
    assert [each["id"] for each in (await namesake.get(ENDPOINTS)).json()["items"]] == [own["id"]]
    assert len((await staff.get(ENDPOINTS)).json()["items"]) == 2


async def test_a_namesake_sees_no_run_that_sends_to_staff(shop: Shop) -> None:
    staff, namesake = await staff_and_namesake(shop)
    operator = await shop.client_of("olga", scopes=[Scope.OPERATIONS_READ])
    of_staff, own = await subscribed(staff), await subscribed(namesake)
    for client, endpoint in ((staff, of_staff), (namesake, own)):
        await client.post(path_of(endpoint, "test"))
    await shop.settled()
    [theirs], [his] = await deliveries(staff, of_staff), await deliveries(namesake, own)
    seen = [(await client.get(theirs["run"]["url"])).status_code for client in (staff, namesake, operator)]
    assert seen == [200, 404, 200]
    assert (await namesake.get(his["run"]["url"])).status_code == 200
