"""The benchmark's own processes: each a Python module that prints its answer, and none outlives the benchmark."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


@asynccontextmanager
async def child(module: str, *arguments: object) -> AsyncIterator[asyncio.subprocess.Process]:
    """Start it; what is left of it afterwards is killed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, *map(str, arguments)),
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,  # a Ctrl-C is for the benchmark, which then ends it
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
