"""Runs are watched: attempt by attempt, to the end, which the exit code tells; or all that are open."""

import asyncio
import json

import pytest

from tests.builders.operations import failed_orders
from tests.builders.orders import an_order
from tests.builders.shop import Shop
from tests.builders.terminal import Terminal

STEPS = ["validate_order", "reserve_stock", "send_confirmation", "notify_warehouse"]


async def test_a_run_is_told_attempt_by_attempt_to_its_end(corner_shop: Shop, terminal: Terminal) -> None:
    order = await corner_shop.placed()
    await corner_shop.settled()
    lines = [line.partition("  ")[2] for line in (await terminal.run("runs", "watch", order["id"])).lines]
    assert lines == [*(f"{step}, attempt 1: success" for step in STEPS), "completed"]


async def test_a_run_is_watched_while_it_happens(corner_shop: Shop, terminal: Terminal) -> None:
    corner_shop.warehouse.door.close()
    order = await corner_shop.placed()
    await corner_shop.warehouse.door.until_somebody_waits()
    watching = asyncio.create_task(terminal.run("runs", "watch", order["run"]["id"]))
    async with asyncio.timeout(10):
        while not corner_shop.process.watchers.count:  # noqa: ASYNC110 - nobody is told who watches
            await asyncio.sleep(0.01)
    corner_shop.warehouse.door.open()
    assert (await watching).lines[-1].endswith("  completed")


async def test_the_code_says_how_it_ended(corner_shop: Shop, terminal: Terminal) -> None:
    [failed] = await failed_orders(corner_shop, 1)
    rejected = await corner_shop.placed(an_order(lamp=1000))
    await corner_shop.settled()
    said = await terminal.run("runs", "watch", failed["id"], code=4)
    assert said.lines[-1].endswith("  failed: RuntimeError: the warehouse is on fire")
    assert any(", attempt 1: failed" in line for line in said.lines)
    assert any("  undo of reserve_stock, attempt 1: success" in line for line in said.lines)
    await terminal.run("runs", "watch", rejected["id"], code=3)
    corner_shop.mail.door.close()
    cancelled = await corner_shop.placed()
    await terminal.run("orders", "cancel", cancelled["id"])
    corner_shop.mail.door.open()
    await terminal.run("runs", "watch", cancelled["id"], code=5)


async def test_programs_are_given_a_line_for_each_event(corner_shop: Shop, terminal: Terminal) -> None:
    order = await corner_shop.placed()
    await corner_shop.settled()
    said = await terminal.run("runs", "watch", order["id"], "--json")
    events = [json.loads(line) for line in said.lines]
    assert [event["step"] for event in events if event["event"] == "attempt"] == STEPS
    assert {event["run"] for event in events} == {order["run"]["id"]}
    assert events[-1]["state"] == "completed"


async def test_a_terminal_shows_a_bar_over_all_steps(corner_shop: Shop, terminal: Terminal) -> None:
    order = await corner_shop.placed()
    await corner_shop.settled()
    shown = await terminal.shown("runs", "watch", order["id"])
    assert "notify_warehouse, attempt 1: success" in shown
    assert "4/4" in shown


async def test_a_customer_watches_what_is_the_customers(
    corner_shop: Shop, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though a customer may not ask how many steps a pipeline has."""
    issued = json.loads((await terminal.run("keys", "create", "web-shop", "--json")).out)
    order = await corner_shop.placed(by=corner_shop.client(issued["key"]))
    await corner_shop.settled()
    monkeypatch.setenv("ORDERS_API_KEY", issued["key"])
    assert "completed" in await terminal.shown("runs", "watch", order["id"])


async def test_nothing_is_told_where_none_is_open(corner_shop: Shop, terminal: Terminal) -> None:
    await corner_shop.placed()
    await corner_shop.settled()
    assert (await terminal.run("runs", "watch", "--until-idle", "--pipeline", "fulfill-order")).out == ""


async def test_the_open_runs_of_a_terminal_are_one_table(corner_shop: Shop, terminal: Terminal) -> None:
    assert "0 open" in await terminal.shown("runs", "watch", "--until-idle")
