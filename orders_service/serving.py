"""The server's life: a port of its own, signals in the right order, an exit code that tells."""

import asyncio
import errno
import gc
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from types import FrameType
from typing import Any

import uvicorn
from fastapi import FastAPI

from orders_service.app import create_app
from orders_service.settings import Settings
from pipelines import Process

REQUEST_GRACE_SECONDS = 20
FAILED = 70  # as in sysexits.h: an internal software error; a supervisor starts a new incarnation
_BACKLOG = 2048


class PortTaken(Exception):
    """Somebody else listens there, or it is not ours to open."""


class Server(uvicorn.Server):
    """At SIGTERM the worker stops claiming first; uvicorn would tell it last, after all open requests."""

    def __init__(self, config: uvicorn.Config, app: FastAPI) -> None:
        super().__init__(config)
        self._app = app
        self.failure: str | None = None
        self.has_begun = asyncio.Event()

    @property
    def process(self) -> Process | None:
        return getattr(self._app.state, "process", None)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - uvicorn's own signature
        """Drain at the first signal; at the second one break off what still runs."""
        if self.process is not None:
            loop = self.process.loop
            loop.call_soon_threadsafe(self.process.hurry if self.should_exit else self.process.begin_to_drain)
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn does it; whoever waits for it may go on afterwards."""
        try:
            await super().startup(sockets)
        finally:
            self.has_begun.set()

    def fail(self, reason: str) -> None:
        """This process may write no more: end it, so that it is started anew."""
        self.failure = reason
        self.should_exit = True


def serve(settings: Settings, *, listener: socket.socket, **process_options: Any) -> int:
    """Serve until a signal comes; gives the exit code."""
    server = _server_of(settings, process_options)
    server.run(sockets=[listener])
    if not server.started or server.failure is not None:
        return FAILED
    return 0


@asynccontextmanager
async def serving(settings: Settings, *, listener: socket.socket, **process_options: Any) -> AsyncIterator[Process]:
    """The same on the loop of somebody else, who ends it by leaving. Gives the process once it serves."""
    server = _server_of(settings, process_options)
    task = asyncio.get_running_loop().create_task(_serve(server, listener), name="serve")
    await server.has_begun.wait()
    process = server.process
    if not server.started or process is None:
        await task
        raise RuntimeError("the application did not start; the log says why")
    try:
        yield process
    finally:
        server.handle_exit(signal.SIGTERM, None)
        await task


async def _serve(server: Server, listener: socket.socket) -> None:
    with suppress(SystemExit):  # so uvicorn leaves when the application did not start
        await server.serve(sockets=[listener])


def _server_of(settings: Settings, process_options: Mapping[str, Any]) -> Server:
    def fail(reason: str) -> None:
        server.fail(reason)

    app = create_app(settings, on_failure=fail, **process_options)
    config = uvicorn.Config(
        app,
        loop="uvloop" if sys.platform != "win32" else "asyncio",
        http="httptools",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=REQUEST_GRACE_SECONDS,
        timeout_keep_alive=75,
        backlog=_BACKLOG,
        ws="none",
        proxy_headers=bool(settings.trusted_proxies),  # from others the client's address would be forged
        forwarded_allow_ips=[str(network) for network in settings.trusted_proxies],
    )
    server = Server(config, app)
    _keep_for_good()
    return server


def _keep_for_good() -> None:
    """Modules, models and routes, which live as long as the process.

    The collector would walk through them again and again, and keep the event loop for a tenth of a second each time.
    """
    gc.collect()
    gc.freeze()


def new_event_loop() -> asyncio.AbstractEventLoop:
    """A loop of the kind that this server runs on."""
    if sys.platform == "win32":
        return asyncio.new_event_loop()
    import uvloop  # noqa: PLC0415 - not there on Windows

    return uvloop.new_event_loop()


def listen(host: str, port: int) -> socket.socket:
    """Take the port before anything else is done. Raises `PortTaken` with the way out."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            another = f"ORDERS_PORT={port + 1}, or make run PORT={port + 1}"
            raise PortTaken(f"Port {port} on {host} is taken. Choose another one: {another}") from None
        raise PortTaken(f"Port {port} on {host} can not be opened: {error.strerror}.") from None
    return listener
