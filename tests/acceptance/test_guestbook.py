"""The application of the library's README, as it stands there: another host than ours, served, killed and resumed."""

import asyncio
import os
import re
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
from aiohttp import web

from tests.harness.processes import ServiceProcess, free_port, running

README = Path(__file__).parents[2] / "pipelines" / "README.md"


def published_code() -> str:
    """The first Python block of the README."""
    found = re.search(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    assert found
    return found.group(1)


class ThanksService:
    """Remembers under which key it was called; the first caller gets no answer."""

    def __init__(self) -> None:
        self.keys: list[str] = []
        self.was_called = asyncio.Event()
        self.is_over = asyncio.Event()

    async def receive(self, request: web.Request) -> web.Response:
        self.keys.append(request.headers["Idempotency-Key"])
        self.was_called.set()
        if len(self.keys) == 1:
            await self.is_over.wait()
        return web.Response()


@asynccontextmanager
async def served(service: ThanksService) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/", service.receive)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield str(site.name)
    finally:
        service.is_over.set()
        await runner.cleanup()


async def test_a_guest_who_was_told_201_is_thanked_though_the_server_was_killed(tmp_path: Path) -> None:
    (tmp_path / "guestbook.py").write_text(published_code())
    port, service = free_port(), ThanksService()
    url = f"http://127.0.0.1:{port}"
    async with served(service) as thanks_url, aiohttp.ClientSession(raise_for_status=True) as http:
        guestbook = ServiceProcess(
            [sys.executable, "-m", "uvicorn", "guestbook:app", "--port", str(port)],
            environment=os.environ | {"THANKS_URL": thanks_url, "PYTHONPATH": os.pathsep.join(sys.path)},
            log=tmp_path / "guestbook.log",
            folder=tmp_path,
        )
        async with running(guestbook, f"{url}/openapi.json"):
            async with http.post(f"{url}/guests", json={"name": "Ada"}) as answer:
                signed = await answer.json()
            await service.was_called.wait()
            await guestbook.kill()
        async with (
            running(guestbook, f"{url}/openapi.json"),
            http.get(f"{url}/runs/{signed['run']}", params={"wait": 20}) as answer,
        ):
            run = await answer.json()
    assert run["state"] == "completed"
    assert len(service.keys) == 2
    assert len(set(service.keys)) == 1
    with sqlite3.connect(tmp_path / "guestbook.db") as connection:
        assert connection.execute("SELECT name, thanked FROM entry").fetchall() == [("Ada", 1)]
    connection.close()
