"""One of everything that the service keeps, made over HTTP, and where each is read."""

import json
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import httpx2

from orders_service.settings import DEVELOPMENT_SECRET
from tests.builders.accounts import a_signup
from tests.builders.callbacks import EVENTS, an_event, signed
from tests.builders.imports import a_file, a_row, sent
from tests.builders.orders import an_order
from tests.builders.pictures import a_picture, form
from tests.builders.subscriptions import ENDPOINTS, URL, a_draft
from tests.harness.orders import ADMIN_KEY
from tests.harness.receiver import Receiver

Rest = Callable[[], Awaitable[None]]
LISTS = ("orders", "products", "users", "api-keys", "imports", "reports", "webhook-endpoints", "runs", "audit")
MACHINERY = ("/v1/schedules", "/v1/pipelines", "/livez", "/readyz")


def client_of(url: str) -> httpx2.AsyncClient:
    """Somebody who may do everything, at a server of the harness."""
    return httpx2.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {ADMIN_KEY}"})


async def one_of_each(
    api: httpx2.AsyncClient, *, rest: Rest, secret: str = DEVELOPMENT_SECRET, subscriber: Receiver | None = None
) -> list[str]:
    """`rest` returns when no run can go on, `secret` is the warehouse's, `subscriber` hears of orders."""
    sku = f"sku-{uuid4().hex[:8]}"
    paths = [*await _catalog(api, sku), *await _people(api)]
    endpoint = await _endpoint(api, subscriber)
    order = await _order(api, sku, rest, secret)
    jobs = await _jobs(api, sku)
    await rest()
    paths += [f"{ENDPOINTS}/{endpoint['id']}", *await _deliveries(api, endpoint), *order, *jobs]
    return [*(f"/v1/{each}" for each in LISTS), *MACHINERY, *paths]


async def _catalog(api: httpx2.AsyncClient, sku: str) -> list[str]:
    product = {"name": sku, "price": {"amount": 100, "currency": "EUR"}, "available": 50}
    await _made(api.put(f"/v1/products/{sku}", json=product))
    await _made(api.post(f"/v1/products/{sku}/stock", json={"change": 5, "reason": "found"}))
    await _made(api.put(f"/v1/products/{sku}/image", files=form(a_picture())))
    return [f"/v1/products/{sku}{more}" for more in ("", "/stock", "/image", "/image/status")]


async def _people(api: httpx2.AsyncClient) -> list[str]:
    account = await _made(api.post("/v1/signup", json=a_signup(email=f"{uuid4().hex[:8]}@example.com")))
    key = await _made(api.post("/v1/api-keys", json={"principal": "somebody", "scopes": ["orders:read"]}))
    return [f"/v1/users/{account['id']}", f"/v1/api-keys/{key['id']}"]


async def _endpoint(api: httpx2.AsyncClient, subscriber: Receiver | None) -> Any:
    endpoint = await _made(api.post(ENDPOINTS, json=a_draft("order.*", url=subscriber.url if subscriber else URL)))
    if subscriber:
        subscriber.secret = endpoint["secret"]
    return endpoint


async def _order(api: httpx2.AsyncClient, sku: str, rest: Rest, secret: str) -> list[str]:
    """One that was shipped."""
    order = await _made(api.post("/v1/orders", json=an_order(items=[{"sku": sku, "quantity": 1}])))
    await rest()
    body = json.dumps(an_event(order)).encode()
    await _made(api.post(EVENTS, content=body, headers=signed(body, secret=secret)))
    run = order["run"]["url"]
    return [f"/v1/orders/{order['id']}", run, f"{run}/why"]


async def _jobs(api: httpx2.AsyncClient, sku: str) -> list[str]:
    order_import = await _made(sent(api, a_file(a_row(sku=sku), a_row("B-2", sku="nothing"))))
    report = await _made(api.post("/v1/reports", json={"type": "sales"}))
    own = f"/v1/reports/{report['id']}"
    return [f"/v1/imports/{order_import['id']}", order_import["errors_url"], own, f"{own}/file?format=csv"]


async def _deliveries(api: httpx2.AsyncClient, endpoint: Any) -> list[str]:
    all_of_them = f"{ENDPOINTS}/{endpoint['id']}/deliveries"
    found = (await _made(api.get(all_of_them)))["items"]
    assert found
    return [all_of_them, f"{all_of_them}/{found[0]['id']}"]


async def _made(answer: Awaitable[httpx2.Response]) -> Any:
    response = await answer
    assert response.is_success, response.text
    return response.json()
