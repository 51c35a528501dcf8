"""Endpoints over HTTP: secrets are shown once, what is somebody else's is not there, and bad input stores nothing."""

import base64
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from orders_service.auth import issue_key
from orders_service.gateways import Guard
from tests.builders.hostile import REFUSALS, spoiled
from tests.builders.shop import Shop, open_shop
from tests.builders.subscriptions import ENDPOINTS, URL, a_draft, path_of, subscribed

SHOWN = {
    "id",
    "owner",
    "url",
    "event_types",
    "description",
    "enabled",
    "disabled_at",
    "disabled_reason",
    "former_secret_until",
    "created_at",
}
NO_DELIVERY = "01a1fccd-1aee-748f-9e6d-a53a446f6bc9"


def size_of(secret: str) -> int:
    assert secret.startswith("whsec_")
    return len(base64.b64decode(secret.removeprefix("whsec_"), validate=True))


async def test_the_secret_is_shown_at_creation_and_never_again(shop: Shop) -> None:
    endpoint = await subscribed(shop.api, "order.*", description="Ours")
    assert size_of(endpoint["secret"]) >= 24
    await shop.api.patch(path_of(endpoint), json={"enabled": False})
    answers = [await shop.api.get(path) for path in (path_of(endpoint), ENDPOINTS, "/v1/audit")]
    assert all(answer.status_code == 200 for answer in answers)
    assert not [answer for answer in answers if endpoint["secret"] in answer.text]
    assert set(answers[0].json()) == SHOWN
    assert answers[1].json()["items"] == [answers[0].json()]


async def test_a_new_endpoint_says_where_it_is_and_is_kept_by_no_cache(shop: Shop) -> None:
    response = await shop.api.post(ENDPOINTS, json=a_draft())
    assert response.headers["Location"] == path_of(response.json())
    assert response.headers["Cache-Control"] == "no-store"


async def test_pages_of_endpoints_have_no_gaps_and_are_the_owners(shop: Shop) -> None:
    ada, bob = await shop.client_of("ada"), await shop.client_of("bob")
    made = [(await subscribed(ada))["id"] for _ in range(3)]
    await subscribed(bob)
    first = (await ada.get(ENDPOINTS, params={"limit": 2})).json()
    rest = (await ada.get(ENDPOINTS, params={"limit": 2, "cursor": first["next"]})).json()
    assert [each["id"] for each in first["items"] + rest["items"]] == made[::-1]
    assert rest["next"] is None
    assert len((await shop.api.get(ENDPOINTS)).json()["items"]) == 4


async def test_what_is_left_out_of_a_change_stays(shop: Shop) -> None:
    endpoint = await subscribed(shop.api, "order.*", description="Ours")
    changed = (await shop.api.patch(path_of(endpoint), json={"event_types": ["product.deleted"]})).json()
    expected = {name: endpoint[name] for name in SHOWN} | {"event_types": ["product.deleted"]}
    assert changed == expected == (await shop.api.get(path_of(endpoint))).json()


async def test_an_endpoint_can_be_disabled_and_enabled_again(shop: Shop) -> None:
    endpoint = await subscribed(shop.api)
    disabled = (await shop.api.patch(path_of(endpoint), json={"enabled": False})).json()
    assert (disabled["enabled"], disabled["disabled_reason"]) == (False, "It was disabled on request.")
    assert (await shop.api.patch(path_of(endpoint), json={"enabled": False})).json() == disabled
    enabled = (await shop.api.patch(path_of(endpoint), json={"enabled": True})).json()
    assert (enabled["enabled"], enabled["disabled_at"], enabled["disabled_reason"]) == (True, None, None)


async def test_what_is_done_to_an_endpoint_is_in_the_audit_without_path_or_secret(shop: Shop) -> None:
    endpoint = await subscribed(shop.api, url="http://127.0.0.1:9/canary")
    await shop.api.patch(path_of(endpoint), json={"url": "http://127.0.0.1:9/canary/2"})
    rotated = (await shop.api.post(path_of(endpoint, "rotate-secret"), json={})).json()
    await shop.api.delete(path_of(endpoint))
    answer = await shop.api.get("/v1/audit", params={"subject_id": endpoint["id"]})
    actions = ["endpoint_deleted", "secret_rotated", "endpoint_changed", "endpoint_created"]
    assert [entry["action"] for entry in answer.json()["items"]] == [f"webhook_{action}" for action in actions]
    assert {entry["subject_type"] for entry in answer.json()["items"]} == {"webhook_endpoint"}
    assert not [told for told in ("canary", endpoint["secret"], rotated["secret"]) if told in answer.text]


async def test_a_removed_endpoint_is_gone_with_its_secrets(shop: Shop) -> None:
    endpoint = await subscribed(shop.api)
    assert (await shop.api.delete(path_of(endpoint))).status_code == 204
    assert (await shop.api.get(path_of(endpoint))).status_code == 404
    assert shop.count("webhook_endpoints") == 0


async def test_there_is_an_end_to_how_many_somebody_has(shop: Shop) -> None:
    ada = await shop.client_of("ada")
    for _ in range(20):
        await subscribed(ada)
    response = await ada.post(ENDPOINTS, json=a_draft())
    assert (response.status_code, response.json()["code"]) == (409, "state-conflict")
    await subscribed(await shop.client_of("bob"))


@pytest.mark.parametrize(
    ("method", "suffix", "body"),
    [
        ("GET", "", None),
        ("PATCH", "", {"enabled": True}),
        ("DELETE", "", None),
        ("POST", "/rotate-secret", {}),
        ("POST", "/test", None),
        ("POST", "/resend", {"failed_since": "2026-11-28T12:00:00Z"}),
        ("POST", "/resend", {"delivery_id": NO_DELIVERY}),
        ("GET", "/deliveries", None),
        ("GET", f"/deliveries/{NO_DELIVERY}", None),
    ],
)
async def test_somebody_elses_endpoint_is_answered_like_a_missing_one(
    shop: Shop, method: str, suffix: str, body: Any
) -> None:
    endpoint, bob = await subscribed(shop.api), await shop.client_of("bob")
    answers = [
        await bob.request(method, f"{ENDPOINTS}/{each}{suffix}", json=body, headers={"X-Request-Id": "same"})
        for each in (endpoint["id"], uuid4())
    ]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert (answers[0].content, answers[0].headers) == (answers[1].content, answers[1].headers)
    assert (await shop.api.get(path_of(endpoint))).json() == {name: endpoint[name] for name in SHOWN}


async def test_a_key_without_the_scope_may_do_nothing_here(corner_shop: Shop) -> None:
    key = await corner_shop.process.write(issue_key, "ada", scopes=[])
    for method, path in (("GET", ENDPOINTS), ("POST", ENDPOINTS), ("GET", f"{ENDPOINTS}/{uuid4()}")):
        response = await corner_shop.client(key).request(method, path, json=a_draft() if method == "POST" else None)
        assert response.status_code == 403


@pytest.mark.parametrize(
    "url",
    [
        "https://10.0.0.1/hook",
        "https://169.254.169.254/latest/meta-data",
        "https://[::ffff:10.0.0.1]/",
        "https://[64:ff9b::a9fe:a9fe]/",
        "https://2130706433/",
        "https://user:secret@example.com/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "example.com",
        "https://",
        "https://[canary/",
        "https://example.com:99999/",
        "https://xn--/",
        "https://a..b/",
    ],
)
async def test_a_url_that_is_never_called_is_refused_at_registration_and_change(corner_shop: Shop, url: str) -> None:
    endpoint = await subscribed(corner_shop.api)
    for response in (
        await corner_shop.api.post(ENDPOINTS, json=a_draft(url=url)),
        await corner_shop.api.patch(path_of(endpoint), json={"url": url}),
    ):
        assert (response.status_code, response.json()["code"]) == (422, "invalid-request")
        assert [flaw["pointer"] for flaw in response.json()["errors"]] == ["/url"]
        assert "canary" not in response.text
    assert corner_shop.count("webhook_endpoints") == 1


@pytest.mark.parametrize("url", ["http://example.com/hook", "https://127.0.0.1/hook", "https://[::1]/"])
async def test_in_production_only_public_https_is_taken(corner_shop: Shop, url: str) -> None:
    corner_shop._state["guard"] = Guard()
    assert (await corner_shop.api.post(ENDPOINTS, json=a_draft(url=url))).status_code == 422
    await subscribed(corner_shop.api, url="https://example.com/hook")


@pytest.mark.parametrize(
    "event_types",
    [[], ["order.lost"], ["*"], ["order"], ["webhook.test"], ["order.*", "order.*"], ["order.accepted"] * 30, [1]],
)
async def test_only_events_that_there_are_can_be_subscribed_to(corner_shop: Shop, event_types: Any) -> None:
    response = await corner_shop.api.post(ENDPOINTS, json={"url": URL, "event_types": event_types})
    assert response.status_code == 422


async def spoil(client: httpx2.AsyncClient, method: str, path: str, body: bytes) -> int:
    response = await client.request(method, path, content=body, headers={"content-type": "application/json"})
    assert response.headers["content-type"] == "application/problem+json", response.text
    return response.status_code


GOOD = a_draft("order.*", description="Ours")
PATCHABLE = {**GOOD, "enabled": True}


async def test_a_bad_body_makes_no_endpoint(shop: Shop) -> None:
    for what, body in spoiled(GOOD):
        assert await spoil(shop.api, "POST", ENDPOINTS, body) in REFUSALS, what
    assert (shop.count("webhook_endpoints"), shop.count("audit_entries")) == (0, 0)


async def test_a_bad_body_changes_nothing(shop: Shop) -> None:
    endpoint = await subscribed(shop.api)
    for what, body in spoiled(PATCHABLE, but=[("enabled", "true")]):
        assert await spoil(shop.api, "PATCH", path_of(endpoint), body) in REFUSALS, what
    assert (await shop.api.get(path_of(endpoint))).json() == {name: endpoint[name] for name in SHOWN}


@pytest.mark.parametrize(
    ("action", "good"),
    [
        ("rotate-secret", {"overlap_hours": 1}),
        ("resend", {"delivery_id": NO_DELIVERY}),
        ("resend", {"failed_since": "2026-11-28T12:00:00Z"}),
    ],
)
async def test_a_bad_body_rotates_and_resends_nothing(corner_shop: Shop, action: str, good: Any) -> None:
    endpoint = await subscribed(corner_shop.api)
    for what, body in spoiled(good):
        assert await spoil(corner_shop.api, "POST", path_of(endpoint, action), body) in REFUSALS, what
    for wrong in ({"delivery_id": str(uuid4()), "failed_since": "2026-11-28T12:00:00Z"}, {"overlap_hours": 169}):
        assert (await corner_shop.api.post(path_of(endpoint, action), json=wrong)).status_code == 422
    assert corner_shop.count("audit_entries") == 1


async def test_the_service_of_another_process_sees_the_same(migrated_url: str, tmp_path: Any) -> None:
    async with open_shop(migrated_url, tmp_path) as shop:
        endpoint = await subscribed(shop.api)
    async with open_shop(migrated_url, tmp_path) as shop:
        assert (await shop.api.get(path_of(endpoint))).status_code == 200
