"""A real Chromium in front of the console. It speaks with nobody but the service, and complains of what a page does."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request, async_playwright

from tests.harness.orders import ADMIN_KEY, OrdersServer

EXECUTABLE = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
MISSING = "there is no Chromium on PATH: install the package chromium to run the tests of pages"
PATIENCE_MS = 20_000
_FLAGS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass
class Console:
    """One window. `complaints` are errors of scripts, refused by the page's policy or not, and requests elsewhere."""

    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)

    async def open(self, path: str = "") -> None:
        await self.page.goto(f"{self.url}/console{path}")

    async def sign_in(self, credential: str = ADMIN_KEY) -> None:
        await self.open("/sign-in")
        await self.page.get_by_label("Admin key").fill(credential)
        await self.page.get_by_role("button", name="Sign in").click()

    def listen(self) -> None:
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._see_where_it_goes)

    def _hear(self, said: ConsoleMessage) -> None:
        if said.type in {"error", "warning"}:
            self.complaints.append(said.text)

    def _see_where_it_goes(self, request: Request) -> None:
        if not request.url.startswith((self.url, "data:")):
            self.complaints.append(f"asks {request.url}")


@asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        flags = _FLAGS + (["--no-sandbox"] if os.getuid() == 0 else [])
        chromium = await playwright.chromium.launch(executable_path=EXECUTABLE, args=flags)
        try:
            yield chromium
        finally:
            await chromium.close()


@asynccontextmanager
async def window(
    chromium: Browser, server: OrdersServer, *, dark: bool = False, width: int = 1280
) -> AsyncIterator[Console]:
    """A window with cookies of its own. The tests' key is the admin's."""
    context: BrowserContext = await chromium.new_context(
        color_scheme="dark" if dark else "light", viewport={"width": width, "height": 900}, reduced_motion="reduce"
    )
    context.set_default_timeout(PATIENCE_MS)
    try:
        console = Console(await context.new_page(), server.url)
        console.listen()
        yield console
    finally:
        await context.close()
