"""API keys over HTTP: issued once, listed without their secrets, revoked at once, and all of it audited."""

from typing import Any

import pytest
from sqlmodel import select

from orders_service.auth import ApiKey
from tests.builders.hostile import REFUSALS, spoiled
from tests.builders.orders import an_order
from tests.builders.shop import Shop

GOOD = {"principal": "web-shop", "is_admin": False, "scopes": ["orders:read"]}


async def issued(shop: Shop, **draft: Any) -> Any:
    answer = await shop.api.post("/v1/api-keys", json={"principal": "web-shop"} | draft)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_a_key_is_shown_once_and_opens(shop: Shop) -> None:
    answer = await shop.api.post("/v1/api-keys", json={"principal": "web-shop"})
    key = answer.json()
    assert (answer.headers["location"], answer.headers["cache-control"]) == (f"/v1/api-keys/{key['id']}", "no-store")
    assert (await shop.client(key["key"]).get("/v1/orders")).status_code == 200
    shown = (await shop.api.get(answer.headers["location"])).json()
    assert shown == {name: value for name, value in key.items() if name != "key"}
    secret = key["key"].rpartition("_")[2]
    assert secret not in str(shop.read(lambda session: session.exec(select(ApiKey)).one()).model_dump())
    assert secret not in (await shop.api.get("/v1/audit")).text + (await shop.api.get("/v1/api-keys")).text


async def test_a_key_without_scopes_named_has_those_of_a_customer(shop: Shop) -> None:
    assert set((await issued(shop))["scopes"]) == {"imports", "orders:read", "orders:write", "webhooks"}


async def test_what_is_placed_with_a_key_belongs_to_its_principal(shop: Shop) -> None:
    one, other = [shop.client((await issued(shop))["key"]) for _ in range(2)]
    order = await shop.placed(by=one)
    assert (await other.get(f"/v1/orders/{order['id']}")).status_code == 200


@pytest.mark.parametrize(
    ("scopes", "audit"), [(["audit:read"], 200), (["orders:read"], 403), ([], 403), (["audit:read", "reports"], 200)]
)
async def test_a_key_may_do_what_its_scopes_say(shop: Shop, scopes: list[str], audit: int) -> None:
    client = shop.client((await issued(shop, scopes=scopes))["key"])
    assert (await client.get("/v1/audit")).status_code == audit
    assert (await client.get("/v1/api-keys")).status_code == 403


async def test_an_admins_key_may_do_everything(shop: Shop) -> None:
    boss = shop.client((await issued(shop, principal="ops", is_admin=True, scopes=[]))["key"])
    assert (await boss.get("/v1/api-keys")).status_code == 200
    assert (await boss.post("/v1/orders", json=an_order())).status_code == 201


async def test_a_revoked_key_opens_nothing_at_once(shop: Shop) -> None:
    key, other = await issued(shop), await issued(shop)
    client = shop.client(key["key"])
    assert (await client.get("/v1/orders")).status_code == 200
    for _ in range(2):
        assert (await shop.api.delete(f"/v1/api-keys/{key['id']}")).status_code == 204
    assert (await client.get("/v1/orders")).status_code == 401
    assert (await shop.client(other["key"]).get("/v1/orders")).status_code == 200
    listed = {each["id"]: each["revoked_at"] for each in (await shop.api.get("/v1/api-keys")).json()["items"]}
    assert (listed[key["id"]] is None, listed[other["id"]]) == (False, None)


async def test_issuing_and_revoking_are_audited(shop: Shop) -> None:
    key = await issued(shop, scopes=["reports"])
    await shop.api.delete(f"/v1/api-keys/{key['id']}")
    entries = (await shop.api.get("/v1/audit", params={"subject_type": "api_key"})).json()["items"]
    assert [(entry["action"], entry["subject_id"], entry["actor"]) for entry in entries] == [
        ("api_key_revoked", key["id"], "admin"),
        ("api_key_issued", key["id"], "admin"),
    ]
    assert entries[1]["after"] == {"principal": "web-shop", "is_admin": False, "scopes": ["reports"]}


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize(("key_id", "status"), [("0123456789abcdef", 404), ("x" * 33, 422), ("%00", 404)])
async def test_a_key_that_is_not_there(corner_shop: Shop, method: str, key_id: str, status: int) -> None:
    assert (await corner_shop.api.request(method, f"/v1/api-keys/{key_id}")).status_code == status


@pytest.mark.parametrize(("what", "body"), list(spoiled(GOOD, but={("is_admin", "true")})))
async def test_a_bad_draft_is_refused_and_nothing_is_stored(corner_shop: Shop, what: str, body: bytes) -> None:
    answer = await corner_shop.api.post("/v1/api-keys", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in REFUSALS, what
    assert corner_shop.count("api_keys") == 0


@pytest.mark.parametrize(
    "draft",
    [
        {"principal": ""},
        {"principal": "admin"},
        {"principal": "anonymous"},
        {"principal": "user:01a1fccd-1aee-748f-9e6d-a539d2934ed4"},
        {"principal": "Web Shop"},
        {"principal": "shop\n"},
        {"principal": "x" * 101},
        {"scopes": ["everything"]},
        {"scopes": "orders:read"},
        {"secret": "mine"},
    ],
    ids=str,
)
async def test_what_does_not_fit_is_refused(corner_shop: Shop, draft: dict[str, Any]) -> None:
    answer = await corner_shop.api.post("/v1/api-keys", json={"principal": "web-shop"} | draft)
    assert answer.status_code == 422
    assert corner_shop.count("api_keys") == 0
