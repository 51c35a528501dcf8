"""What a shop is rightly told stays inside, on good days, and whatever fails in whatever words."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from orders_service.gateways import CrmUnavailable, MailUnavailable, SubscriberUnavailable, WarehouseRefused
from pipelines import Transaction
from tests.builders.callbacks import an_event, send
from tests.builders.canaries import canary, mail_canary
from tests.builders.ear import Ear
from tests.builders.imports import a_file, a_row, sent
from tests.builders.orders import an_address, an_order
from tests.builders.pictures import a_picture
from tests.builders.subscriptions import path_of, subscribed

PERSON = {"email": mail_canary("person"), "name": canary("name"), "password": canary("password")}
ORDER = an_order(email=mail_canary("customer")) | {
    "shipping_address": an_address(name=canary("name"), line1=canary("street"), city=canary("city"))
}
KEY = {"Idempotency-Key": canary("key")}


async def hear_of_accounts(ear: Ear) -> None:
    shop, login = ear.shop, {name: PERSON[name] for name in ("email", "password")}
    stranger = shop.client(None)
    assert (await stranger.post("/v1/signup", json=PERSON, headers=KEY)).status_code == 201
    await ear.request(stranger, method="POST", url="/v1/login", json=login | {"password": canary("wrong-password")})
    token = (await stranger.post("/v1/login", json=login)).json()["access_token"]
    ear.secrets.append(token)
    person = shop.client(token)
    assert (await person.patch("/v1/users/me", json={"name": canary("new-name")})).status_code == 200
    change = {"password": PERSON["password"], "new_password": canary("new-password")}
    await ear.request(person, method="POST", url="/v1/users/me/password", json=change)
    for method, path in (("GET", "/v1/users/me"), ("POST", "/v1/logout")):  # the change has ended all sessions
        await ear.request(person, method=method, url=path)


async def hear_of_keys_and_catalog(ear: Ear) -> None:
    api = ear.shop.api
    key = (await api.post("/v1/api-keys", json={"principal": canary("principal"), "scopes": ["orders:read"]})).json()
    ear.secrets.append(key["key"])
    product = {"name": canary("product"), "price": {"amount": 100, "currency": "EUR"}, "available": 5}
    assert (await api.put(f"/v1/products/{canary('sku')}", json=product)).status_code < 300
    said = {"change": -1, "reason": canary("reason")}
    await ear.request(api, method="POST", url=f"/v1/products/{canary('sku')}/stock", json=said)
    file = (f"{canary('file')}.jpg", a_picture(), "image/jpeg")
    await ear.request(api, method="PUT", url=f"/v1/products/{canary('sku')}/image", files={"file": file})


async def hear_of_orders(ear: Ear) -> None:
    shop = ear.shop
    order = await shop.api.post("/v1/orders", json=ORDER, headers=KEY)
    assert order.status_code == 201
    again = ORDER | {"customer_email": mail_canary("another")}
    await ear.request(shop.api, method="POST", url="/v1/orders", json=again, headers=KEY)
    await shop.run_to_the_end()
    told = await send(shop, an_event(order.json(), tracking={"carrier": canary("carrier"), "number": canary("number")}))
    assert told.status_code < 500
    because = {"reason": canary("reason")}
    await ear.request(shop.api, method="POST", url=f"/v1/orders/{order.json()['id']}/cancel", json=because)
    other = (await shop.api.post("/v1/orders", json=ORDER)).json()
    await ear.request(shop.api, method="POST", url=f"/v1/orders/{other['id']}/cancel", json=because)
    await shop.run_to_the_end()


async def hear_of_files_and_hooks(ear: Ear) -> None:
    api = ear.shop.api
    url = f"http://127.0.0.1:9/{canary('path')}?token={canary('url-token')}"
    endpoint = await subscribed(api, url=url, description=canary("description"))
    ear.secrets.append(endpoint["secret"])
    await ear.request(api, method="POST", url=path_of(endpoint, "test"))
    rows = a_file(
        a_row(canary("ref"), customer_email=mail_canary("cell"), name=canary("cell"), line1=canary("cell")),
        a_row(canary("bad-ref"), customer_email=canary("bad-cell"), sku=canary("bad-sku"), quantity=canary("many")),
    )
    assert (await sent(api, rows, name=f"{canary('file')}.csv", key=canary("key"))).status_code == 202
    assert (await api.post("/v1/reports", json={"type": "customers"})).status_code == 202
    await ear.shop.run_to_the_end()


@pytest.mark.parametrize("hear", [hear_of_accounts, hear_of_keys_and_catalog, hear_of_orders, hear_of_files_and_hooks])
async def test_on_good_days_what_is_told_stays_inside(ear: Ear, hear: Callable[[Ear], Any]) -> None:
    await hear(ear)
    await ear.shop.run_to_the_end()
    assert await ear.leaks() == {}


def quoting(error: type[Exception]) -> Exception:
    """An error that quotes what it was given, and has another one behind it that does so too."""
    raised = error(f"{canary('error')}: {mail_canary('customer')} is odd")
    raised.__cause__ = ValueError(canary("cause"))
    return raised


@pytest.mark.parametrize("error", [MailUnavailable, WarehouseRefused, CrmUnavailable, SubscriberUnavailable, KeyError])
async def test_what_a_gateway_says_stays_inside(ear: Ear, error: type[Exception]) -> None:
    shop = ear.shop
    await subscribed(shop.api)
    for door in (shop.mail.door, shop.warehouse.door, shop.crm.door, shop.subscribers.door):
        door.troubles = [quoting(error), quoting(error)]
    shop.warehouse.back_door.troubles = shop.mail.back_door.troubles = [quoting(error) for _ in range(30)]  # undos too
    await shop.placed(ORDER)
    await shop.client(None).post("/v1/signup", json=PERSON)
    await shop.run_to_the_end()
    assert '"level": "warning"' in ear.lines.getvalue()
    assert await ear.leaks() == {}


@pytest.mark.parametrize("table", ["orders", "order_lines", "users", "webhook_endpoints", "audit_entries"])
async def test_what_the_database_quotes_stays_inside(ear: Ear, table: str) -> None:
    shop = ear.shop
    await shop.write(f"ALTER TABLE {table} RENAME TO away")
    draft = {"url": f"http://127.0.0.1:9/{canary('path')}", "event_types": ["order.*"], "description": canary("words")}
    login = {"email": PERSON["email"], "password": canary("wrong")}
    bodies = {"/v1/orders": ORDER, "/v1/signup": PERSON, "/v1/webhook-endpoints": draft, "/v1/login": login}
    answers = [await ear.request(shop.api, method="POST", url=path, json=body) for path, body in bodies.items()]
    assert max(answer.status_code for answer in answers) >= 500
    await shop.settled()
    assert await ear.leaks() == {}


async def test_what_a_bug_says_stays_inside(ear: Ear, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(tx: Transaction, *_: object) -> None:
        tx.execute(text("SELECT :street"), {"street": canary("parameter")})
        raise quoting(RuntimeError)

    monkeypatch.setattr("orders_service.orders.routes.place_order", fail)
    answer = await ear.request(ear.shop.api, method="POST", url="/v1/orders", json=ORDER)
    assert answer.status_code == 500
    assert '"exception": "RuntimeError from ValueError"' in ear.lines.getvalue()
    assert await ear.leaks() == {}
