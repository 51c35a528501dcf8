import re
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi.routing import iter_route_contexts

from orders_service.app import create_app
from orders_service.auth import CUSTOMER_SCOPES, Scope, user_principal
from orders_service.outside import check_outside
from orders_service.problems import MEDIA_TYPE
from orders_service.settings import Role, Settings, SettingsError
from pipelines import pause
from tests.builders.fulfillment import SECRET
from tests.builders.imports import a_file, accepted
from tests.builders.rights import (
    BODIES,
    FOR_EVERYBODY,
    FOR_PEOPLE,
    FOR_STAFF,
    FOR_STRANGERS,
    FOR_WHOEVER_HAS_A_KEY,
    FOR_WHOEVER_SIGNS,
    IN_DEVELOPMENT,
    MAY,
    WHO,
)
from tests.builders.sales import requested
from tests.builders.shop import Shop, open_shop
from tests.builders.subscriptions import path_of, subscribed

SOMEBODYS = re.compile(r"\{(?!sku\})")  # products are everybody's
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
    return {(method, path) for method, path in listed if method != "HEAD" and not is_of_the_console(path)}


def is_of_the_console(path: str) -> bool:
    """Its tests ask each of its routes who is there."""
    return (path + "/").startswith("/console/")


def test_every_route_is_listed_with_who_may_use_it(tmp_path: Path) -> None:
    everything = set(MAY).union(
        FOR_EVERYBODY, FOR_WHOEVER_HAS_A_KEY, FOR_STRANGERS, FOR_PEOPLE, FOR_STAFF, FOR_WHOEVER_SIGNS
    )
    assert routes(data_dir=tmp_path) == everything | IN_DEVELOPMENT
    assert routes(data_dir=tmp_path, **PRODUCTION) == everything
    assert not [path for _, path in everything - set(MAY) - FOR_STAFF if SOMEBODYS.search(path)]


def test_a_worker_has_routes_for_machines_only(tmp_path: Path) -> None:
    assert routes(data_dir=tmp_path, role=Role.WORKER, **PRODUCTION) == FOR_EVERYBODY


def test_a_worker_in_development_brings_the_stand_ins_that_it_calls(tmp_path: Path) -> None:
    assert routes(data_dir=tmp_path, role=Role.WORKER) == FOR_EVERYBODY | IN_DEVELOPMENT


async def person(shop: Shop, name: str) -> tuple[httpx2.AsyncClient, str]:
    """Somebody with an account, whose key may do what a customer may, and have reports made; and the account's id."""
    account = (await (await shop.customer(email=f"{name}@example.com")).get("/v1/users/me")).json()
    key = await shop.client_of(user_principal(account["id"]), scopes=CUSTOMER_SCOPES | {Scope.REPORTS})
    return key, account["id"]


async def ids_of(shop: Shop, owner: httpx2.AsyncClient, path: str) -> dict[str, str]:
    """What the owner has of the kind that the path is about."""
    if "{import_id}" in path:
        await shop.process.write(pause, "import-orders", actor="a test", reason="or it would have ended")
        return {"import_id": (await accepted(shop, a_file(), by=owner))["id"]}
    if "{report_id}" in path:
        report = await requested(shop, by=owner)
        await shop.settled()
        return {"report_id": report["id"]}
    if "{endpoint_id}" in path:
        endpoint = await subscribed(owner)
        test = (await owner.post(path_of(endpoint, "test"))).json()
        return {"endpoint_id": endpoint["id"], "delivery_id": test["delivery_id"]}
    shop.mail.door.close()
    order = await shop.placed(by=owner)
    shop.process.watchers.send_home()  # or streams would go on for as long as the order does
    return {"order_id": order["id"], "run_id": order["run"]["id"]}


@pytest.mark.parametrize(("who", "route"), [(who, route) for route in MAY for who in WHO])
async def test_what_is_the_owners_is_the_owners_and_the_admins(
    corner_shop: Shop, who: str, route: tuple[str, str]
) -> None:
    owner, user_id = await person(corner_shop, "ada")
    clients = {"owner": owner, "nobody": corner_shop.client(None), "admin": corner_shop.api}
    client = clients[who] if who in clients else (await person(corner_shop, "bob"))[0]
    method, path = route
    ids = await ids_of(corner_shop, owner, path)
    response = await client.request(method, path.format(user_id=user_id, **ids), json=BODIES.get(route))
    assert response.status_code == MAY[route][WHO.index(who)]


@pytest.mark.parametrize(("method", "path"), sorted(FOR_STAFF))
async def test_what_is_for_staff_is_for_no_customer(corner_shop: Shop, method: str, path: str) -> None:
    ada = await corner_shop.client_of("ada")
    answers = [await client.request(method, path) for client in (corner_shop.client(None), ada)]
    assert [answer.status_code for answer in answers] == [401, 403]


@pytest.mark.parametrize(("method", "path"), sorted(FOR_WHOEVER_SIGNS))
async def test_without_a_signature_not_even_an_admin_is_heard(corner_shop: Shop, method: str, path: str) -> None:
    for client in (corner_shop.client(None), corner_shop.api):
        response = await client.request(method, path, content=b"{}")
        assert (response.status_code, response.json()["code"]) == (401, "unauthenticated")
        assert response.headers["www-authenticate"] == "StandardWebhooks"


@pytest.mark.parametrize(("method", "path"), sorted(FOR_PEOPLE))
async def test_what_is_for_people_is_for_no_program(corner_shop: Shop, method: str, path: str) -> None:
    answers = [await client.request(method, path) for client in (corner_shop.client(None), corner_shop.api)]
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
    check_outside(Settings(data_dir=tmp_path, crm_url="https://crm.example.com/v2", **PRODUCTION))


@pytest.mark.parametrize("url", ["http://crm.example.com", "https://10.0.0.1/", "crm", "https://a:b@crm.example.com"])
def test_a_crm_that_may_not_be_called_is_refused_by_its_setting(tmp_path: Path, url: str) -> None:
    with pytest.raises(SettingsError, match=r"^ORDERS_CRM_URL: "):
        check_outside(Settings(data_dir=tmp_path, crm_url=url, **PRODUCTION))


async def test_a_database_that_does_not_answer_is_a_503(corner_shop: Shop) -> None:
    await corner_shop.write("ALTER TABLE orders RENAME TO away")
    response = await corner_shop.api.get("/v1/orders")
    assert (response.status_code, response.json()["code"]) == (503, "unavailable")
