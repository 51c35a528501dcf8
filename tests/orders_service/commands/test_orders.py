"""`orders orders`: listed, shown and cancelled by command, by whoever may."""

import json

import pytest

from tests.builders.orders import an_order
from tests.builders.shop import Shop
from tests.builders.terminal import Terminal


async def test_orders_are_listed(corner_shop: Shop, terminal: Terminal) -> None:
    order = await corner_shop.placed(an_order(lamp=2))
    await corner_shop.settled()
    headings, row = (await terminal.run("orders", "list")).lines
    assert headings.split() == ["ID", "STATUS", "CREATED", "CUSTOMER", "TOTAL", "ITEMS", "REASON"]
    assert row.startswith(f"{order['id']}  completed  ")
    assert row.endswith("  ada@example.com  39.98 EUR  2 lamp")
    listed = json.loads((await terminal.run("orders", "list", "--json", "--status", "completed")).out)
    assert [each["id"] for each in listed["items"]] == [order["id"]]


async def test_an_order_is_shown(corner_shop: Shop, terminal: Terminal) -> None:
    order = await corner_shop.placed(an_order(lamp=2))
    await corner_shop.settled()
    lines = (await terminal.run("orders", "show", order["id"])).lines
    assert {"Status    completed", "Total     39.98 EUR", f"Run       {order['run']['id']}"} <= set(lines)
    assert lines[-1].split() == ["lamp", "2", "19.99", "EUR"]
    shown = json.loads((await terminal.run("orders", "show", order["id"], "--json")).out)
    assert shown == await corner_shop.shown(order)


async def test_an_open_order_is_cancelled_at_once(corner_shop: Shop, terminal: Terminal) -> None:
    corner_shop.mail.door.close()
    order = await corner_shop.placed()
    said = await terminal.run("orders", "cancel", order["id"], "--reason", "ordered twice")
    assert said.out == f"Order {order['id']} is cancelled.\n"


async def test_an_order_that_the_warehouse_has_is_asked_back(corner_shop: Shop, terminal: Terminal) -> None:
    order = await corner_shop.placed()
    await corner_shop.run_to_the_end()
    said = await terminal.run("orders", "cancel", order["id"])
    run = (await corner_shop.shown(order))["cancellation"]["id"]
    assert said.out.endswith(f" is asked. Follow it: orders runs watch {run}\n")


async def test_a_customers_key_sees_what_is_the_customers(
    corner_shop: Shop, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = await corner_shop.placed()
    issued = json.loads((await terminal.run("keys", "create", "web-shop", "--json")).out)
    monkeypatch.setenv("ORDERS_API_KEY", issued["key"])
    assert (await terminal.run("orders", "list")).complaint == "There are no such orders."
    assert (await terminal.run("orders", "show", order["id"], code=1)).complaint.startswith("Not found: ")
    assert (await terminal.run("runs", "list", code=1)).complaint.startswith("Forbidden: ")
