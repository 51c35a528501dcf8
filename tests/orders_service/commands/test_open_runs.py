"""All open runs in a pipe: a line for each that is new, has moved or has ended."""

import asyncio
import json
from typing import Any

import pytest

from orders_service.commands.open_runs import Changes
from orders_service.commands.options import connect
from tests.builders.shop import Shop
from tests.builders.terminal import Terminal

OPEN = ["ready", "running", "waiting", "undoing"]


async def page(shop: Shop, **query: Any) -> Any:
    return (await shop.api.get("/v1/runs", params={"state": OPEN, "pipeline": "fulfill-order"} | query)).json()


async def test_each_change_is_a_line(corner_shop: Shop, terminal: Terminal, capsys: pytest.CaptureFixture[str]) -> None:
    corner_shop.warehouse.door.close()
    order = await corner_shop.placed()
    await corner_shop.warehouse.door.until_somebody_waits()
    view = Changes(connect(None), as_json=True)
    for _ in range(2):
        view.show(await page(corner_shop))
    corner_shop.warehouse.door.open()
    await corner_shop.settled()
    await asyncio.to_thread(view.show, await page(corner_shop))
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(run["id"], run["state"]) for run in told] == [
        (order["run"]["id"], "running"),
        (order["run"]["id"], "completed"),
    ]


async def test_a_run_that_has_only_left_the_page_has_not_ended(
    corner_shop: Shop, terminal: Terminal, capsys: pytest.CaptureFixture[str]
) -> None:
    corner_shop.warehouse.door.close()
    view = Changes(connect(None), as_json=False)
    orders = []
    for _ in range(2):
        orders.append(await corner_shop.placed())
        await corner_shop.warehouse.door.until_somebody_waits()
        view.show(await page(corner_shop, limit=1))
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [order["run"]["id"] for order in orders]
