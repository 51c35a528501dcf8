"""A CRM in this event loop: a real server that keeps each call, and answers as a test tells it to."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web


@dataclass(frozen=True)
class CrmCall:
    """One request as it arrived."""

    method: str
    path: str
    query: str
    key: str | None
    authorization: str | None
    body: bytes


class CrmServer:
    """Set `answers` at any time; `calls` has all of them."""

    def __init__(self) -> None:
        self.url = ""
        self.calls: list[CrmCall] = []
        self.answers: Callable[[], web.Response] = web.Response

    async def receive(self, request: web.Request) -> web.Response:
        headers = request.headers
        key, authorization = headers.get("Idempotency-Key"), headers.get("Authorization")
        body = await request.read()
        self.calls.append(CrmCall(request.method, request.path, request.query_string, key, authorization, body))
        return self.answers()


@asynccontextmanager
async def crm_server() -> AsyncIterator[CrmServer]:
    """Listen on a free port of the loopback; `url` is what ORDERS_CRM_URL would say."""
    server = CrmServer()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", server.receive)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}/api"
    try:
        yield server
    finally:
        await runner.cleanup()
