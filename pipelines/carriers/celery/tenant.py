"""A process on an event loop of its own, in a thread, for a host that knows nothing of event loops."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError
from contextlib import AbstractAsyncContextManager, suppress
from typing import TypeAlias
from uuid import UUID

from pipelines.events import Event, ProcessFailed
from pipelines.process import Process

Hosted: TypeAlias = Callable[[], AbstractAsyncContextManager[Process]]
LoopFactory: TypeAlias = Callable[[], asyncio.AbstractEventLoop] | None

TAKE_SECONDS = 30.0


class Tenant:
    """Its methods are for the host's threads, and what it calls is called in its own.

    `on_failure` is called when the process ends before it was told to, and `on_end` when it has left, however it did.
    """

    def __init__(
        self,
        hosted: Hosted,
        loop_factory: LoopFactory,
        *,
        on_failure: Callable[[], None],
        on_end: Callable[[], None] = lambda: None,
    ) -> None:
        self._hosted = hosted
        self._loop_factory = loop_factory
        self._on_failure = on_failure
        self._on_end = on_end
        self._thread = threading.Thread(target=self._work, name="pipelines", daemon=True)
        self._begun = threading.Event()
        self._leaving = asyncio.Event()
        self._is_leaving = False
        self._process: Process | None = None
        self._error: BaseException | None = None
        self.failure: str | None = None

    def start(self) -> None:
        """Return when the process works; raises what kept it from that."""
        self._thread.start()
        self._begun.wait()
        if self._process is None:
            self._thread.join()
            assert self._error is not None  # noqa: S101 - it has not begun, so it has raised
            raise self._error

    def take(self, run_id: UUID) -> bool:
        """Whether the process has taken this run. A process that leaves, or is gone, takes nothing."""
        process = self._process
        if process is None or self._is_leaving:
            return False
        try:
            return asyncio.run_coroutine_threadsafe(process.take(run_id), process.loop).result(TAKE_SECONDS)
        except (TimeoutError, CancelledError, RuntimeError):  # the database is away, or the loop has just ended
            return False

    def leave(self) -> None:
        """Begin to drain; if that was said before, hurry. May be called from a signal handler."""
        if self._is_leaving:
            self.hurry()
        self._is_leaving = True
        self._call(self._leaving.set)

    def hurry(self) -> None:
        """Break off what calls the outside."""
        if self._process is not None:
            self._call(self._process.hurry)

    def stop(self) -> None:
        """Return when the process has left the journal. It bounds its own drain."""
        self._is_leaving = True
        self._call(self._leaving.set)
        self._thread.join()

    def info(self) -> dict[str, object]:
        """How many runs it holds."""
        process = self._process
        return {} if process is None else {"process": str(process.process_id), "runs": len(process.worker.hands)}

    def _call(self, function: Callable[[], object]) -> None:
        if self._process is not None:
            with suppress(RuntimeError):  # its loop has ended
                self._process.loop.call_soon_threadsafe(function)

    def _work(self) -> None:
        try:
            with asyncio.Runner(loop_factory=self._loop_factory) as runner:
                runner.run(self._live())
        except BaseException as error:  # noqa: BLE001 - told to whoever waits for its start, or ends the worker
            self._error = error
            self._fail(type(error).__name__)
        finally:
            self._begun.set()
            if self._process is not None:
                self._on_end()

    async def _live(self) -> None:
        async with self._hosted() as process:
            process.events.subscribe(self._hear)
            self._process = process
            self._begun.set()
            if process.failed is None and not self._is_leaving:
                await self._leaving.wait()

    def _hear(self, event: Event) -> None:
        if isinstance(event, ProcessFailed):
            self._leaving.set()
            self._fail(event.reason)

    def _fail(self, reason: str) -> None:
        if self._begun.is_set() and self.failure is None:
            self.failure = reason
            self._on_failure()
