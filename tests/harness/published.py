"""Applications that the documentation prints, served as their readers would, and the outside that they call."""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

from aiohttp import web

from tests.harness.processes import ServiceProcess

README = Path(__file__).parents[2] / "pipelines" / "README.md"
HEARD_SECONDS = 60.0


def published_code(page: Path, word: str) -> str:
    """The first Python block of the page that has this word in it."""
    blocks: list[str] = re.findall(r"^```python\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)
    return next(block for block in blocks if word in block)


def server_of(module: Path, port: int, **environment: str) -> ServiceProcess:
    """Uvicorn, which serves the `app` of this file from its folder."""
    return ServiceProcess(
        [sys.executable, "-m", "uvicorn", f"{module.stem}:app", "--port", str(port)],
        environment=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)} | environment,
        log=module.with_suffix(".log"),
        folder=module.parent,
    )


class Told(NamedTuple):
    """What one request said."""

    body: Any
    key: str | None


class Listener:
    """Remembers what it was told, and lets one of its callers wait for ever."""

    def __init__(self, *, unanswered: int) -> None:
        self.told: list[Told] = []
        self.url = ""
        self._unanswered = unanswered
        self._news = asyncio.Condition()
        self._is_over = asyncio.Event()

    async def until(self, *bodies: Any) -> None:
        """Return when it has been told all of these, however often."""
        async with asyncio.timeout(HEARD_SECONDS), self._news:
            await self._news.wait_for(lambda: all(body in [each.body for each in self.told] for body in bodies))

    async def receive(self, request: web.Request) -> web.Response:
        self.told.append(Told(await request.json(), request.headers.get("Idempotency-Key")))
        count = len(self.told)
        async with self._news:
            self._news.notify_all()
        if count == self._unanswered:
            await self._is_over.wait()
        return web.Response()

    def close(self) -> None:
        self._is_over.set()


@asynccontextmanager
async def listening(*, unanswered: int) -> AsyncIterator[Listener]:
    """On a free port of the loopback; `url` says where. The call of this number is never answered."""
    listener, app = Listener(unanswered=unanswered), web.Application()
    app.router.add_post("/", listener.receive)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    listener.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    try:
        yield listener
    finally:
        listener.close()
        await runner.cleanup()
