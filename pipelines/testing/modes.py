"""Two ways to test an application with background tasks: as soon as they are done, or as it is live."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any, TypeAlias
from uuid import UUID

from pipelines.errors import StateConflict
from pipelines.events import Event, RunFinished, StepRaised
from pipelines.fastapi.tasks import WITNESS, TaskList
from pipelines.journal import cancel
from pipelines.process import Process

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

PATIENCE_SECONDS = 30.0


class Inline:
    """Wraps an application so that a request returns when its tasks are done, as FastAPI's own do in tests.

    `TestClient(Inline(app))`. What a task raises first is raised in the test, although the response was a success; its
    run is then cancelled, so that nothing of it goes on in the next test.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._ends = _Ends(raised=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        mine: list[TaskList] = []
        await _called(self._app, scope, receive, send, ends=self._ends, seen=mine)
        for tasks in mine:
            if tasks.run_id is not None and (error := await self._ends.of(tasks.run_id)) is not None:
                with suppress(StateConflict):  # it may have ended by itself
                    await tasks.process.write(cancel, tasks.run_id, reason="a task failed in a test")
                raise error


class Deferred:
    """Wraps an application whose tasks go on as they would live; `wait()`, or `await ended()`, until they have ended.

    `TestClient(Deferred(app))`. Retries take the time that they take live.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._tasks: list[TaskList] = []
        self._ends = _Ends(raised=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await _called(self._app, scope, receive, send, ends=self._ends, seen=self._tasks)

    @property
    def run_ids(self) -> list[UUID]:
        """The runs of the tasks of all requests so far, in their order."""
        return [tasks.run_id for tasks in self._tasks if tasks.run_id is not None]

    def wait(self, *, seconds: float = PATIENCE_SECONDS) -> None:
        """Until all these runs have ended, however. Call it from the test's own thread."""
        for tasks in self._tasks:
            asyncio.run_coroutine_threadsafe(self._end_of(tasks), tasks.process.loop).result(seconds)

    async def ended(self) -> None:
        """The same, for a test that runs on the application's event loop."""
        for tasks in self._tasks:
            await self._end_of(tasks)

    async def _end_of(self, tasks: TaskList) -> None:
        if tasks.run_id is not None:
            await self._ends.of(tasks.run_id)


class _Ends:
    """How runs end, or what their steps raise first; for all runs of a process, since it may be over at once."""

    def __init__(self, *, raised: bool) -> None:
        self._raised = raised
        self._heard: Process | None = None
        self._ends: dict[UUID, asyncio.Future[Exception | None]] = {}

    def listen_to(self, process: Process) -> None:
        if self._heard is not process:
            self._heard = process
            process.events.subscribe(self._hear)

    async def of(self, run_id: UUID) -> Exception | None:
        return await self._end(run_id)

    def _hear(self, event: Event) -> None:
        match event:
            case StepRaised(run_id=run_id, error=error) if self._raised:
                self._settle(run_id, error)
            case RunFinished(run_id=run_id):
                self._settle(run_id, None)
            case _:
                pass

    def _settle(self, run_id: UUID, error: Exception | None) -> None:
        end = self._end(run_id)
        if not end.done():
            end.set_result(error)

    def _end(self, run_id: UUID) -> asyncio.Future[Exception | None]:
        if run_id not in self._ends:
            self._ends[run_id] = asyncio.get_running_loop().create_future()
        return self._ends[run_id]


async def _called(app: App, scope: Scope, receive: Receive, send: Send, *, ends: _Ends, seen: list[TaskList]) -> None:
    def witness(tasks: TaskList) -> None:
        ends.listen_to(tasks.process)
        seen.append(tasks)

    if scope["type"] != "lifespan":
        scope[WITNESS] = witness
    await app(scope, receive, send)
