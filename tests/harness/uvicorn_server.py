"""An application under a real server, on a free port of this machine, in the test's own event loop."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.types import ASGIApp


@asynccontextmanager
async def serving(app: ASGIApp, *, root_path: str = "") -> AsyncIterator[tuple[str, int]]:
    """Host and port of a server that ends with the block. It can be connected to at once: the socket listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(app, log_config=None, lifespan="off", timeout_graceful_shutdown=1, root_path=root_path)
        server = uvicorn.Server(config)
        running = asyncio.create_task(server.serve(sockets=[listening]), name="uvicorn")
        try:
            yield listening.getsockname()
        finally:
            server.should_exit = True
            await running


async def talk(address: tuple[str, int], *sent: bytes) -> bytes:
    """Send these bytes over one connection, and read until the server closes it."""
    reader, writer = await asyncio.open_connection(*address)
    try:
        for part in sent:
            writer.write(part)
            await writer.drain()
        return await reader.read()
    finally:
        writer.close()
