from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi.routing import iter_route_contexts

from orders_service.app import create_app
from orders_service.outside import check_outside
from orders_service.problems import MEDIA_TYPE
from orders_service.settings import Role, Settings
from tests.builders.fulfillment import SECRET
from tests.builders.shop import Shop, open_shop
from tests.builders.subscriptions import path_of, subscribed

WHO = ("owner", "other", "nobody", "admin")
# What each may do with what is the owner's. A route that is missing here fails the test below.
MAY = {
    ("GET", "/v1/orders/{order_id}"): (200, 404, 401, 200),
    ("POST", "/v1/orders/{order_id}/cancel"): (200, 404, 401, 200),
    ("GET", "/v1/runs/{run_id}"): (200, 404, 401, 200),
    ("GET", "/v1/runs/{run_id}/events"): (200, 404, 401, 200),
    ("GET", "/v1/webhook-endpoints/{endpoint_id}"): (200, 404, 401, 200),
    ("PATCH", "/v1/webhook-endpoints/{endpoint_id}"): (200, 404, 401, 200),
    ("DELETE", "/v1/webhook-endpoints/{endpoint_id}"): (204, 404, 401, 204),
    ("POST", "/v1/webhook-endpoints/{endpoint_id}/rotate-secret"): (200, 404, 401, 200),
    ("POST", "/v1/webhook-endpoints/{endpoint_id}/test"): (202, 404, 401, 202),
    ("POST", "/v1/webhook-endpoints/{endpoint_id}/resend"): (202, 404, 401, 202),
    ("GET", "/v1/webhook-endpoints/{endpoint_id}/deliveries"): (200, 404, 401, 200),
    ("GET", "/v1/webhook-endpoints/{endpoint_id}/deliveries/{delivery_id}"): (200, 404, 401, 200),
}
BODIES: dict[tuple[str, str], Any] = {
    ("PATCH", "/v1/webhook-endpoints/{endpoint_id}"): {"description": "another"},
    ("POST", "/v1/webhook-endpoints/{endpoint_id}/rotate-secret"): {},
    ("POST", "/v1/webhook-endpoints/{endpoint_id}/resend"): {"failed_since": "2026-11-28T12:00:00Z"},
}
FOR_EVERYBODY = {
    ("GET", "/livez"),
    ("GET", "/readyz"),
    ("GET", "/metrics"),
    ("GET", "/docs"),
    ("GET", "/docs/oauth2-redirect"),
    ("GET", "/redoc"),
    ("GET", "/openapi.json"),
}
FOR_WHOEVER_HAS_A_KEY = {
    ("GET", "/v1/orders"),
    ("POST", "/v1/orders"),
    ("GET", "/v1/webhook-endpoints"),
    ("POST", "/v1/webhook-endpoints"),
}
FOR_STAFF = {("GET", "/v1/audit")}  # a customer's key is not enough, whatever id is asked for
IN_DEVELOPMENT = {
    ("GET", "/sandbox/warehouse"),
    ("POST", "/sandbox/warehouse"),
    ("GET", "/sandbox/mailbox"),
    ("GET", "/sandbox/mailbox/{mail_id}"),
}
PRODUCTION: dict[str, Any] = {
    "profile": "production",
    "admin_key": "0123456789abcdef01234567",
    "fulfillment_secret": SECRET,
    "fulfillment_url": "https://warehouse.example.com",
    "smtp_url": "smtp://mail.example.com",
}


def routes(**settings: Any) -> set[tuple[str, str]]:
    app = create_app(Settings(**settings))
    contexts = iter_route_contexts(app.router.routes)
    listed = {(method, c.path_format or str(c.path)) for c in contexts for method in c.methods or ()}
    return {(method, path) for method, path in listed if method != "HEAD"}


def test_every_route_is_listed_with_who_may_use_it(tmp_path: Path) -> None:
    everything = set(MAY) | FOR_EVERYBODY | FOR_WHOEVER_HAS_A_KEY | FOR_STAFF
    assert routes(data_dir=tmp_path) == everything | IN_DEVELOPMENT
    assert routes(data_dir=tmp_path, **PRODUCTION) == everything
    assert not [path for _, path in everything - set(MAY) - FOR_STAFF if "{" in path]


def test_a_worker_has_routes_for_machines_only(tmp_path: Path) -> None:
    assert routes(data_dir=tmp_path, role=Role.WORKER) == FOR_EVERYBODY


async def ids_of_subscription(owner: httpx2.AsyncClient) -> dict[str, str]:
    endpoint = await subscribed(owner)
    test = (await owner.post(path_of(endpoint, "test"))).json()
    return {"endpoint_id": endpoint["id"], "delivery_id": test["delivery_id"]}


@pytest.mark.parametrize(("who", "route"), [(who, route) for route in MAY for who in WHO])
async def test_what_is_the_owners_is_the_owners_and_the_admins(shop: Shop, who: str, route: tuple[str, str]) -> None:
    shop.mail.door.close()
    owner, other = await shop.client_of("ada"), await shop.client_of("bob")
    clients = {"owner": owner, "other": other, "nobody": shop.client(None), "admin": shop.api}
    order = await shop.placed(by=owner)
    shop.process.watchers.send_home()  # or streams would go on for as long as the order does
    ids = {"order_id": order["id"], "run_id": order["run"]["id"]}
    if "{endpoint_id}" in route[1]:
        ids |= await ids_of_subscription(owner)
    response = await clients[who].request(route[0], route[1].format(**ids), json=BODIES.get(route))
    assert response.status_code == MAY[route][WHO.index(who)]


@pytest.mark.parametrize(("method", "path"), sorted(FOR_STAFF))
async def test_what_is_for_staff_is_for_no_customer(corner_shop: Shop, method: str, path: str) -> None:
    ada = await corner_shop.client_of("ada")
    answers = [await client.request(method, path) for client in (corner_shop.client(None), ada)]
    assert [answer.status_code for answer in answers] == [401, 403]


@pytest.mark.parametrize(("method", "path"), sorted(FOR_WHOEVER_HAS_A_KEY))
async def test_without_a_key_nothing_is_listed_or_placed(corner_shop: Shop, method: str, path: str) -> None:
    assert (await corner_shop.client(None).request(method, path)).status_code == 401


@pytest.mark.parametrize(("method", "path"), sorted(FOR_EVERYBODY))
async def test_what_is_for_machines_asks_for_no_key(corner_shop: Shop, method: str, path: str) -> None:
    assert (await corner_shop.client(None).request(method, path)).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v2/orders", 404),
        ("GET", "/v1/orders/", 404),
        ("DELETE", "/v1/orders", 405),
        ("PUT", "/v1/runs/x", 405),
        ("TRACE", "/v1/orders", 405),
        ("POST", "/v1/orders", 415),
    ],
)
async def test_every_refusal_is_a_problem(corner_shop: Shop, method: str, path: str, status: int) -> None:
    response = await corner_shop.api.request(method, path, content=b"x" if status == 415 else b"")
    assert (response.status_code, response.headers["content-type"]) == (status, MEDIA_TYPE)


async def test_what_passed_is_counted_by_route(corner_shop: Shop) -> None:
    await corner_shop.placed()
    await corner_shop.settled()
    text = (await corner_shop.api.get("/metrics")).text
    for sample in (
        'orders_http_requests_total{method="POST",route="/v1/orders",status="201"} 1.0',
        'orders_http_requests_total{method="POST",route="/v1/orders/{order_id}/cancel",status="409"} 0.0',
        'pipeline_runs_finished_total{outcome="completed",pipeline="fulfill-order"} 1.0',
        'pipeline_step_attempts_total{outcome="success",pipeline="fulfill-order",step="notify_warehouse"} 1.0',
    ):
        assert sample in text


async def test_an_application_can_be_started_and_ended_again(migrated_url: str, tmp_path: Path) -> None:
    for count in (1, 2):
        async with open_shop(migrated_url, tmp_path) as shop:
            await shop.placed()
            await shop.settled()
            assert shop.count("orders") == count


def test_the_outside_is_judged_without_being_touched(tmp_path: Path) -> None:
    check_outside(Settings(data_dir=tmp_path, **PRODUCTION))
