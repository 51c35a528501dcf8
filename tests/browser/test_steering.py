"""Somebody on call at the console: watches, retries, and cancels, in a browser."""

import asyncio
import re
from collections.abc import Sequence

from playwright.async_api import expect

from tests.harness.browser import Console
from tests.harness.checker import REQUESTED
from tests.harness.client import Heard, OrderRequest
from tests.harness.orders import OrdersServer
from tests.harness.receiver import ACCEPT, ERROR, Answer, Behaviour, always
from tests.harness.stage import Stage

ID = re.compile("^[0-9a-f]{8}…")


def to_requests(answer: Answer) -> Behaviour:
    """The warehouse answers this to requests; it forgets them when it is asked to."""
    return lambda delivery: answer if delivery.event["type"] == REQUESTED else ACCEPT


async def placed(stage: Stage, server: OrdersServer, orders: int = 1) -> Sequence[Heard]:
    async with stage.client(server) as client:
        return await client.place_all([OrderRequest((("lamp", 1),)) for _ in range(orders)], connections=4)


async def test_an_order_completes_before_ones_eyes(console: Console, stage: Stage, server: OrdersServer) -> None:
    let_in = asyncio.Event()
    stage.receiver.behaviour = always(Answer(kept_until=let_in))
    [order] = await placed(stage, server)
    await console.open(f"/runs/{order.order['run']['id']}")
    heading = console.page.get_by_role("heading", level=1)
    await expect(heading).to_contain_text("running")
    let_in.set()
    await expect(heading).to_contain_text("completed")  # nobody has reloaded the page


async def test_the_overview_counts_what_ends(console: Console, stage: Stage, server: OrdersServer) -> None:
    await console.open()
    line = console.page.get_by_role("article").filter(has_text="fulfill-order")
    await expect(line).to_have_count(0)  # it is quiet
    await placed(stage, server, orders=5)
    await expect(line).to_contain_text("5")  # nobody has reloaded the page


async def test_a_dead_letter_is_found_and_retried(console: Console, stage: Stage, server: OrdersServer) -> None:
    stage.receiver.behaviour = to_requests(Answer(status=400))
    await placed(stage, server)
    await stage.until_settled()
    stage.receiver.behaviour = always(ACCEPT)
    await console.open("/dead-letters")
    await console.page.get_by_role("row").filter(has_text="WarehouseRefused").get_by_role("link", name=ID).first.click()
    await console.page.get_by_label("Reason for: Retry").fill("the warehouse has learned it")
    console.page.on("dialog", lambda dialog: dialog.accept())
    await console.page.get_by_role("button", name="Retry", exact=True).click()
    await expect(console.page.get_by_role("heading", level=1)).to_contain_text("completed")
    await expect(console.page.get_by_text("the warehouse has learned it")).to_be_visible()


async def test_all_that_match_are_retried_at_once(console: Console, stage: Stage, server: OrdersServer) -> None:
    stage.receiver.behaviour = to_requests(Answer(status=400))
    await placed(stage, server, orders=7)
    await stage.until_settled()
    stage.receiver.behaviour = always(ACCEPT)
    await console.open("/runs?pipeline=fulfill-order&state=failed")
    await console.page.get_by_role("link", name="Retry all dead letters").click()
    await expect(console.page.get_by_role("main")).to_contain_text("7 runs")
    await console.page.get_by_role("button", name="Go on").click()
    await console.page.get_by_role("button", name="Retry 7 runs").click()
    await expect(console.page.get_by_role("heading", level=1)).to_contain_text("steer-runs")
    await stage.until_runs(lambda runs: all(run.state == "completed" for run in runs))


async def test_an_order_that_waits_is_cancelled(console: Console, stage: Stage, server: OrdersServer) -> None:
    stage.receiver.behaviour = to_requests(ERROR)
    [order] = await placed(stage, server)
    await stage.until_runs(lambda runs: runs[0].state == "waiting")
    await console.open(f"/runs/{order.order['run']['id']}")
    console.page.on("dialog", lambda dialog: dialog.accept())
    await console.page.get_by_role("button", name="Cancel", exact=True).click()
    await expect(console.page.get_by_role("heading", level=1)).to_contain_text("cancelled")
