"""Whether this process is alive, and whether it should be sent requests."""

import asyncio
import time
from dataclasses import dataclass

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


class Health(BaseModel):
    """All is well; otherwise there is a problem."""

    status: str = "ok"


@dataclass
class Pinger:
    """Asks the database, but not for every probe."""

    readers: Engine
    answered_at: float = float("-inf")
    is_well: bool = False

    async def ping(self) -> bool:
        """Whether the database answers and has a schema."""
        if time.monotonic() - self.answered_at > _ANSWER_GOOD_FOR_SECONDS:
            try:
                async with asyncio.timeout(_LONGEST_PING_SECONDS):
                    self.is_well = await asyncio.to_thread(schema.is_current, self.readers)
            except (SQLAlchemyError, TimeoutError):
                self.is_well = False
            self.answered_at = time.monotonic()
        return self.is_well


@router.get("/livez", responses=responses(503))
async def livez(request: Request) -> Health:
    """Say that the process and its event loop go on. Nothing outside is asked: a restart would not mend it."""
    if process_of(request).failed is not None:
        raise Problem("unavailable", "This process may write no more, and is about to end.")
    return Health()


@router.get("/readyz", responses=responses(503))
async def readyz(request: Request, response: Response) -> Health:
    """Say whether requests should come here: the database answers, and the process is not draining."""
    response.headers["Cache-Control"] = "no-store"
    if not process_of(request).is_ready:
        raise Problem("unavailable", "This process is draining.")
    if not await request.state.pinger.ping():
        raise Problem("unavailable", "The database does not answer.")
    return Health()
