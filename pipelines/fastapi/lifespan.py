"""For FastAPI applications: a process that lives as long as the application does."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from pipelines.process import Process

DRAIN_GRACE = timedelta(seconds=25)


@asynccontextmanager
async def running(process: Process, *, grace: timedelta = DRAIN_GRACE) -> AsyncIterator[Process]:
    """Start the process, and at the end drain it within the grace and leave the journal. For use in a lifespan.

    Servers end the lifespan last, after open requests: have the signal handler call `process.begin_to_drain()`, or
    runs are claimed until then.
    """
    await process.start()
    try:
        yield process
        await process.drain(grace=grace)
    finally:
        await process.stop()
