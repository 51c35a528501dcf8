"""How the console looks: nothing sticks out on a phone, nothing is refused by a page's policy, and people can see it.

The pictures go to var/console; those of the README are made of them.
"""

from pathlib import Path

from playwright.async_api import Browser, expect

from tests.browser.scene import Scene, set_the_scene
from tests.harness.browser import Console, window
from tests.harness.orders import OrdersServer
from tests.harness.stage import Stage

PICTURES = Path(__file__).parents[2] / "var" / "console"
PHONE = 390


def views_of(scene: Scene) -> dict[str, str]:
    return {
        "overview": "",
        "runs": "/runs",
        "completed": f"/runs/{scene.completed}",
        "waiting": f"/runs/{scene.waiting}",
        "failed": f"/runs/{scene.failed}",
        "dead-letters": "/dead-letters",
        "jobs": "/jobs",
        "schedules": "/schedules",
        "webhooks": "/webhooks",
        "audit": "/audit",
        "sandbox": "/sandbox",
        "import": f"/jobs/imports/{scene.import_id}",
        "pipeline": "/pipelines/fulfill-order",
        "bulk": "/bulk/retry?state=failed",
    }


async def test_every_view_fits_a_desk_and_a_phone_by_day_and_by_night(
    chromium: Browser, stage: Stage, server: OrdersServer
) -> None:
    views = views_of(await set_the_scene(stage, server))
    PICTURES.mkdir(parents=True, exist_ok=True)
    for look, options in {
        "light": {"dark": False, "width": 1280},
        "dark": {"dark": True, "width": 1280},
        "phone": {"dark": False, "width": PHONE},
    }.items():
        async with window(chromium, server, dark=bool(options["dark"]), width=int(options["width"])) as console:
            await console.sign_in()
            stick_out = {name for name, path in views.items() if await _sticks_out(console, path, f"{name}-{look}")}
            assert stick_out == set()
            assert console.complaints == []


async def test_on_a_phone_the_strip_of_views_shows_which_it_is(chromium: Browser, server: OrdersServer) -> None:
    async with window(chromium, server, width=PHONE) as console:
        await console.sign_in()
        for path in ("/runs", "/audit", "/sandbox"):
            await console.open(path)
            await expect(console.page.get_by_role("navigation").locator("[aria-current]")).to_be_in_viewport(ratio=1)


async def _sticks_out(console: Console, path: str, picture: str) -> bool:
    await console.open(path)
    await console.page.screenshot(path=PICTURES / f"{picture}.png", full_page=True)
    return bool(await console.page.evaluate("document.documentElement.scrollWidth > window.innerWidth"))
