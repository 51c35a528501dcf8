"""The documentation of the API, in a browser that reaches nobody but the service."""

from playwright.async_api import Browser, expect

from tests.harness.browser import window
from tests.harness.orders import OrdersServer


async def test_the_documentation_needs_no_internet_and_shows_examples(chromium: Browser, server: OrdersServer) -> None:
    async with window(chromium, server) as console:
        await console.page.goto(f"{server.url}/docs")
        await console.page.locator("#operations-tag-orders").click()
        await console.page.locator("#operations-orders-orders_create_order .opblock-summary-control").click()
        await expect(console.page.get_by_text("LAMP-01").first).to_be_visible()
        assert console.complaints == []
