"""FastAPI's `BackgroundTasks`, made durable: on disk before the response is sent, and retried."""

from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Annotated, Any, Concatenate, ParamSpec, TypeVar
from uuid import UUID

from fastapi import Depends
from fastapi.requests import HTTPConnection
from pydantic_core import to_json

from pipelines.background import BackgroundWork, StoredTask, TaskBatch
from pipelines.errors import TaskRefused, WiringError
from pipelines.fastapi.lifespan import process_of
from pipelines.journal import start
from pipelines.process import Process
from pipelines.transaction import Transaction

P = ParamSpec("P")
R = TypeVar("R")

WITNESS = "pipelines.tasks"  # where in an ASGI scope a test asks to be shown the tasks of a request


class TaskList:
    """The background tasks of one request: endpoint, dependencies and sub-dependencies share it.

    When the endpoint has returned, and before its response is sent, they are written as one run with a step per task.
    An endpoint that raises starts nothing; so does a function-scoped dependency that raises when it is left before the
    list is. One that was solved before the list is left after it, when the tasks are on disk: what it then writes, or
    fails to write, does not concern them. What is to stand or fall with the tasks goes into `write(..., tasks=tasks)`.

    `run_id` is known once they are written; `stop_on_error` may be set until then.
    """

    def __init__(self, process: Process) -> None:
        self.process = process
        self.run_id: UUID | None = None
        self._work = _work_of(process)
        self.stop_on_error = self._work.stop_on_error
        self._tasks: list[StoredTask] = []
        self._bytes = 0
        self._refuses: str | None = None

    def add_task(self, func: Callable[P, Any], *args: P.args, **kwargs: P.kwargs) -> None:
        """Have the function called in the background, after all that were added before it.

        Arguments are stored as they are now. Raises `TaskRefused`, with what to do instead, when the call could not be
        repeated from what is stored, or comes too late.
        """
        if self._refuses is not None:
            raise TaskRefused(self._refuses)
        if len(self._tasks) >= self._work.most_tasks:
            raise TaskRefused(f"A request may have {self._work.most_tasks} tasks: start a pipeline for so much work.")
        task = self._work.stored(func, args, kwargs)
        size = len(to_json(task))
        if self._bytes + size > self._work.most_bytes:
            raise TaskRefused(f"The tasks of a request may take {self._work.most_bytes} bytes: hand over ids instead.")
        self._bytes += size
        self._tasks.append(task)

    async def save(self) -> UUID | None:
        """Write them now, in a transaction of their own, and say under which run; none if there are none."""
        if self._tasks and self.run_id is None:
            await self.save_with(_nothing)
        return self.run_id

    async def save_with(self, function: Callable[Concatenate[Transaction, ...], R], /, *args: Any, **kwargs: Any) -> R:
        """Write them in the transaction of this function: its writing and the tasks stand or fall together.

        Nothing can be added after it. If it fails the tasks are not written at the end either; it may be repeated.
        """
        if self.run_id is not None:
            raise TaskRefused("These tasks are written already.")
        self._refuses = "The tasks of this request have been handed to its transaction: add them before."
        result, self.run_id = await self.process.write(self._together, lambda tx: function(tx, *args, **kwargs))
        return result

    def _together(self, tx: Transaction, function: Callable[[Transaction], R]) -> tuple[R, UUID | None]:
        result = function(tx)
        if not self._tasks:
            return result, None
        return result, start(tx, self._work, TaskBatch(tasks=tuple(self._tasks), stop_on_error=self.stop_on_error))

    async def close(self) -> None:
        """Write what no transaction has asked for; nothing can be added after this."""
        if self._refuses is None:
            self._refuses = "The response is on its way: add tasks before the endpoint, or its dependency, returns."
            await self.save()


def _nothing(_: Transaction) -> None:
    """The tasks are all there is to write."""


def _work_of(process: Process) -> BackgroundWork:
    for wired in process.wired.values():
        if isinstance(wired.pipeline, BackgroundWork):
            return wired.pipeline
    raise WiringError('This process does no background tasks: give it BackgroundWork("your_package") as a pipeline.')


async def _of_request(connection: HTTPConnection) -> AsyncIterator[TaskList]:
    tasks = TaskList(process_of(connection))
    if witness := connection.scope.get(WITNESS):
        witness(tasks)
    yield tasks
    await tasks.close()


if TYPE_CHECKING:
    BackgroundTasks = TaskList
else:
    # Called, it makes a TaskList. No subclass of FastAPI's own: FastAPI would put its own, volatile one in its place.
    # Function scope ends before the response is sent, so that a COMMIT that fails is a 5xx.
    BackgroundTasks = Annotated[TaskList, Depends(_of_request, scope="function")]
