"""The row of an effect that has happened is written again and again, until it is there or the process ends."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from pipelines.committer import Committer
from pipelines.errors import StorageFull, Unavailable

R = TypeVar("R")

PAUSE_SECONDS = 0.5


async def insist(committer: Committer, function: Callable[..., R], *args: Any, **kwargs: Any) -> R:
    """Like `committer.progress`, but a full disk or a held lock is waited out: neither has written anything."""
    while True:
        try:
            return await committer.progress(function, *args, **kwargs)
        except (StorageFull, Unavailable):
            if committer.is_closed:
                raise
            await asyncio.sleep(PAUSE_SECONDS)
