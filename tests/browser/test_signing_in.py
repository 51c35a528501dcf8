"""The door, in a browser."""

from playwright.async_api import Browser, expect

from tests.harness.browser import Console, window
from tests.harness.orders import ADMIN_KEY, OrdersServer


async def test_somebody_signs_in_with_the_keyboard_and_out_again(chromium: Browser, server: OrdersServer) -> None:
    async with window(chromium, server) as console:
        await console.open()
        await expect(console.page).to_have_url(f"{server.url}/console/sign-in?next=%2Fconsole")
        await console.page.keyboard.type("wrong")  # the field has the focus
        await console.page.keyboard.press("Enter")
        await expect(console.page.get_by_role("alert")).to_contain_text("not known")
        await console.page.get_by_label("Admin key").fill(ADMIN_KEY)
        await console.page.keyboard.press("Enter")
        await expect(console.page.get_by_role("heading", level=1)).to_have_text("Overview")
        await console.page.get_by_role("button", name="Sign out").click()
        await console.open()
        await expect(console.page.get_by_role("heading", level=1)).to_have_text("Sign in")


async def test_the_cookie_is_kept_from_scripts(console: Console) -> None:
    assert await console.page.evaluate("document.cookie") == ""
    [cookie] = await console.page.context.cookies()
    assert (cookie["httpOnly"], cookie["secure"], cookie["sameSite"]) == (True, True, "Strict")
