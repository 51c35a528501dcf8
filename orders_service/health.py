"""Whether this process is alive, and whether it should be sent requests."""

import asyncio
import time

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from orders_service import schema
from orders_service.database import process_of
from orders_service.problems import Problem, responses

router = APIRouter(tags=["operations"])

_ANSWER_GOOD_FOR_SECONDS = 1.0
_LONGEST_PING_SECONDS = 2.0
_LONGEST_STUCK_SECONDS = 30.0  # twice the lease: others have our runs by then; a function of ours takes milliseconds


class Health(BaseModel):
    """All is well; otherwise there is a problem."""

    status: str = "ok"


class Pinger:
    """Asks the database, but not for every probe, and never twice at once: one that hangs must not eat up threads.

    In a thread of its own: those that others share may all be busy, and a busy process is no unready one.
    """

    def __init__(self, readers: Engine) -> None:
        self._readers = readers
        self._answered_at = float("-inf")
        self._is_well = False
        self._asking: asyncio.Task[bool] | None = None
        self._own_thread = CapacityLimiter(1)

    async def ping(self) -> bool:
        """Whether the database answers in time and has a schema that this code can work with."""
        if time.monotonic() - self._answered_at > _ANSWER_GOOD_FOR_SECONDS:
            self._is_well = await self._ask()
            self._answered_at = time.monotonic()
        return self._is_well

    async def _ask(self) -> bool:
        if self._asking is None or self._asking.done():
            asked = to_thread.run_sync(self._is_current, limiter=self._own_thread)
            self._asking = asyncio.get_running_loop().create_task(asked, name="ping the database")
        answered, _ = await asyncio.wait([self._asking], timeout=_LONGEST_PING_SECONDS)
        return bool(answered) and self._asking.result()

    def _is_current(self) -> bool:
        try:
            return schema.is_current(self._readers)
        except SQLAlchemyError:
            return False


@router.get("/livez", responses=responses(503))
async def livez(request: Request) -> Health:
    """Say that process, event loop and writer go on. Nothing outside is asked: a restart would not mend it."""
    process = process_of(request)
    if process.failed is not None:
        raise Problem("unavailable", "This process may write no more, and is about to end.")
    if process.stuck_seconds > _LONGEST_STUCK_SECONDS:
        raise Problem("unavailable", "This process is stuck in something that it was to write.")
    return Health()


@router.get("/readyz", responses=responses(503))
async def readyz(request: Request, response: Response) -> Health:
    """Say whether requests should come here: the database answers, its schema fits, and the process is not draining."""
    response.headers["Cache-Control"] = "no-store"
    if not process_of(request).is_ready:
        raise Problem("unavailable", "This process is draining.")
    if not await request.state.pinger.ping():
        raise Problem("unavailable", "The database does not answer, or its schema is older than this release.")
    return Health()
