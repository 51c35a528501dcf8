"""The line of a request says which run it has started or steered."""

import io
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.builders.imports import a_file, a_row, sent
from tests.builders.operations import failed_orders
from tests.builders.pictures import a_photo, form
from tests.builders.shop import Shop
from tests.builders.subscriptions import path_of, subscribed


async def an_import(shop: Shop) -> Any:
    return await sent(shop.api, a_file(a_row()))


async def a_picture(shop: Shop) -> Any:
    return await shop.api.put("/v1/products/mug/image", files=form(a_photo()))


async def a_report(shop: Shop) -> Any:
    return await shop.api.post("/v1/reports", json={"type": "stock"})


async def a_test_event(shop: Shop) -> Any:
    return await shop.api.post(path_of(await subscribed(shop.api, "order.*"), "test"))


async def a_retry(shop: Shop) -> Any:
    [order] = await failed_orders(shop, 1)
    return await shop.api.post(f"{order['run']['url']}/retry")


async def many_retries(shop: Shop) -> Any:
    await failed_orders(shop, 1)
    return await shop.api.post("/v1/runs/retry", json={"filter": {}})


@pytest.mark.parametrize("ask", [an_import, a_picture, a_report, a_test_event, a_retry, many_retries])
async def test_the_line_of_a_request_names_its_run(
    corner_shop: Shop, out: io.StringIO, ask: Callable[[Shop], Awaitable[Any]]
) -> None:
    answer = await ask(corner_shop)
    assert answer.status_code == 202, answer.text
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    [*_, line] = [line for line in lines if line["event"] == "request" and line["status"] == 202]
    assert line["run_id"] == answer.json()["run"]["id"]
