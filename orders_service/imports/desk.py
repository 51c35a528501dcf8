"""Where the step that creates orders reads and writes: in our own database, chunk by chunk."""

import asyncio
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar
from uuid import UUID

from orders_service.imports.chunks import Chunk, chunk_at
from orders_service.imports.creating import Standing, create_chunk, standing_of
from orders_service.imports.errors import ImportMoved
from orders_service.imports.records import Place
from pipelines import Process, ReadSession

P = ParamSpec("P")
R = TypeVar("R")


class ImportDesk:
    """For a step that needs many transactions: one of an hour would keep everybody else waiting.

    Each chunk is a member of the committer like an order that is posted, behind those that came before it. Provided to
    the process through which it works, so it learns afterwards which one that is.
    """

    _process: Process

    def open(self, process: Process) -> None:
        """From now on it works through this process."""
        self._process = process

    @property
    def is_leaving(self) -> bool:
        """Whether the process is about to end, so that the next chunk is for another one."""
        return not self._process.is_ready

    async def standing(self, import_id: UUID) -> Standing:
        """What is on disk."""
        return await self._read(standing_of, import_id)

    async def next_chunk(self, upload_id: UUID, at: Place) -> Chunk:
        """Read and judged in a thread."""
        return await self._read(chunk_at, upload_id, at)

    async def write_chunk(self, import_id: UUID, principal: str, chunk: Chunk) -> Standing:
        """All of it, or nothing, and never twice; then where the import stands. Raises `JournalError`.

        Whoever breaks this off cannot take the chunk back: it is counted, or its import has been stopped before it.
        """
        try:
            return await self._process.write(create_chunk, import_id, principal, chunk)
        except ImportMoved:  # by an attempt whose answer was lost, or it was cancelled
            return await self.standing(import_id)

    async def _read(self, question: Callable[Concatenate[ReadSession, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        def ask() -> R:
            with ReadSession(self._process.readers) as session:
                return question(session, *args, **kwargs)

        return await asyncio.to_thread(ask)
