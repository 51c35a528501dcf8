"""Whoever has their hands on a page while it changes: what they type, where they are, and what they click twice."""

import asyncio
from collections.abc import Sequence

from playwright.async_api import Page, Route, expect

from tests.harness.browser import Console
from tests.harness.client import Heard, OrderRequest
from tests.harness.orders import OrdersServer
from tests.harness.receiver import Answer, always
from tests.harness.stage import Stage

IN_AN_HOUR = Answer(status=503, headers={"Retry-After": "3600"})  # until then no attempt changes the page
TABS = 7  # a browser has six connections to a server
BEGIN_AGAIN = """
() => {
  const stream = document.querySelector("[sse-connect]")["htmx-internal-data"].sseEventSource;
  stream.close();
  stream.onerror(new Event("error"));
  return document.querySelector(".when-lost").checkVisibility();  // half a second later it may be live again
}
"""
CLICK_TWICE = """
(button) => {
  setTimeout(() => button.click());
  setTimeout(() => { button.click(); fetch(location.href); }, 300);
}
"""
NOT_SEEN = """
(hidden) => {
  Object.defineProperty(document, "hidden", { get: () => hidden, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}
"""


async def waiting_order(stage: Stage, server: OrdersServer) -> Heard:
    stage.receiver.behaviour = always(IN_AN_HOUR)
    async with stage.client(server) as client:
        orders: Sequence[Heard] = await client.place_all([OrderRequest((("lamp", 1),))], connections=1)
    await stage.until_runs(lambda runs: runs[0].state == "waiting")
    return orders[0]


def path_of(order: Heard) -> str:
    return f"/runs/{order.order['run']['id']}"


async def until_live(page: Page) -> None:
    await expect(page.locator(".when-live").first).to_be_visible()


async def test_what_is_half_typed_is_there_when_the_stream_begins_again(
    console: Console, stage: Stage, server: OrdersServer
) -> None:
    order, page = await waiting_order(stage, server), console.page
    await console.open(path_of(order))
    await until_live(page)
    reason = page.get_by_label("Reason for: Cancel")
    await reason.fill("the customer has")
    assert await page.evaluate(BEGIN_AGAIN)
    await until_live(page)
    await expect(reason).to_have_value("the customer has")
    await expect(reason).to_be_focused()
    console.complaints.clear()  # the stream's end was one


async def test_two_clicks_do_it_once(console: Console) -> None:
    page, clicked, asked = console.page, asyncio.Event(), list[str]()

    async def kept(route: Route) -> None:
        asked.append(route.request.url)
        await clicked.wait()
        await route.continue_()

    await page.route("**/trigger", kept)
    page.on("dialog", lambda dialog: dialog.accept())
    await console.open("/schedules")
    button = page.get_by_role("button", name="Trigger now").first
    page.on("request", lambda request: clicked.set() if request.resource_type == "fetch" else None)
    await button.evaluate(CLICK_TWICE)
    await expect(page.get_by_role("status")).to_contain_text("A run has been started")
    assert len(asked) == 1


async def test_tabs_that_nobody_sees_leave_the_server_to_the_others(
    console: Console, stage: Stage, server: OrdersServer
) -> None:
    path = path_of(await waiting_order(stage, server))
    pages = [console.page]
    for _ in range(TABS):
        page = await console.page.context.new_page()
        await page.goto(f"{server.url}/console{path}", wait_until="commit")
        await until_live(page)
        await page.evaluate(NOT_SEEN, arg=True)
        pages.append(page)
    async with asyncio.timeout(20):
        await pages[1].evaluate("document.documentElement.classList.remove('live')")  # nothing says so while it sleeps
        await pages[1].evaluate(NOT_SEEN, arg=False)
        await until_live(pages[1])
