"""The pipeline of background tasks: a run of it has one step per task, and its input says which."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from inspect import iscoroutinefunction
from typing import Any

from tenacity import wait_random_exponential

from pipelines.background import arguments
from pipelines.background.naming import Directory
from pipelines.errors import UnknownTask
from pipelines.pipeline import Pipeline
from pipelines.retry import Retry
from pipelines.step import Step

NAME = "background-tasks"
LONGEST_STEP_NAME = 100

A_FEW_TIMES = Retry(on=(Exception,), attempts=5, wait=wait_random_exponential(multiplier=1, max=60))
"""Whatever a task raises: nobody has said which of its failures pass."""


@dataclass(frozen=True)
class StoredTask:
    """One call: a function by its name, and its arguments; `typed` are those that are read by their annotation."""

    call: str
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    typed: tuple[str, ...] = ()


@dataclass(frozen=True)
class TaskBatch:
    """The tasks of one request, in the order in which they were added."""

    tasks: tuple[StoredTask, ...]
    stop_on_error: bool = False


class BackgroundWork(Pipeline[TaskBatch]):
    """Background tasks as a pipeline of a `Process`: one run per request, one step per task, in order.

    Tasks may come from `modules`, which are packages with all that is in them, and from nowhere else: neither added
    nor called. A task that raises is tried again as `retry` says; `timeout` in seconds is for `async def`. When it has
    failed for good the following ones still run, and the run then ends `failed` and names it; with `stop_on_error` it
    ends there. At most `most_tasks` and `most_bytes` go into one run. A function that a process does not have waits
    for one that does.
    """

    def __init__(
        self,
        *modules: str,
        retry: Retry = A_FEW_TIMES,
        timeout: float | None = None,
        stop_on_error: bool = False,
        most_tasks: int = 100,
        most_bytes: int = 256 * 1024,
    ) -> None:
        super().__init__(NAME, TaskBatch)
        self.stop_on_error = stop_on_error
        self.most_tasks = most_tasks
        self.most_bytes = most_bytes
        self._directory = Directory(modules)
        self._retry = retry
        self._timeout = timeout
        self.step(name="task", retry=retry, timeout=timeout)(_stands_for_all)

    def stored(self, function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> StoredTask:
        """The call as it can be stored. Raises `TaskRefused` with what to do instead."""
        if isinstance(function, partial):  # a partial of a partial is made flat by functools
            return self.stored(function.func, (*function.args, *args), function.keywords | dict(kwargs))
        call = self._directory.name_of(function)
        by_place, by_name, typed = arguments.stored(function, args, kwargs, call.replace(":", "."))
        return StoredTask(call=call, args=tuple(by_place), kwargs=by_name, typed=tuple(typed))

    def first_step_for(self, payload: TaskBatch) -> str:
        return _step_name(1, payload.tasks[0])

    def place_of(self, step: str) -> str:
        return step  # of the input's making, not of the code's

    def unfolded(self, payload: TaskBatch) -> Pipeline[Any]:
        unfolded: Pipeline[TaskBatch] = Pipeline(self.name, TaskBatch)
        unfolded.steps = tuple(
            self._step(place, task, may_fail=not payload.stop_on_error) for place, task in enumerate(payload.tasks, 1)
        )
        return unfolded

    def _step(self, place: int, task: StoredTask, *, may_fail: bool) -> Step:
        function = self._calling(task)
        limit = self._timeout if iscoroutinefunction(function) else None
        return Step(
            function=function,
            name=_step_name(place, task),
            retry=self._retry,
            timeout=timedelta(seconds=limit) if limit is not None else None,
            may_fail=may_fail,
        )

    def _calling(self, task: StoredTask) -> Callable[[], Any]:
        """A step's function that makes the call: an `async def` on the loop, anything else in a thread."""
        try:
            function = self._directory.found(task.call)
        except UnknownTask as unknown:
            return _named(_waiting(unknown), task)

        def call() -> Any:
            args, kwargs = arguments.restored(function, task.args, task.kwargs, task.typed)
            return function(*args, **kwargs)

        if _is_async(function):
            return _named(_on_the_loop(call), task)
        call.__annotations__["return"] = None  # what a task returns is not kept, whatever it is
        return _named(call, task)


def _step_name(place: int, task: StoredTask) -> str:
    """By place, for a request may add a function twice; readable, for people look at it."""
    return f"{place} {task.call.rpartition(':')[2].rpartition('.')[2]}"[:LONGEST_STEP_NAME]


def _is_async(function: Callable[..., Any]) -> bool:
    return iscoroutinefunction(function) or iscoroutinefunction(type(function).__call__)


def _named(call: Callable[[], Any], task: StoredTask) -> Callable[[], Any]:
    """Traces tell it by the name of the function that it calls."""
    call.__module__, _, call.__qualname__ = task.call.partition(":")
    return call


def _on_the_loop(call: Callable[[], Awaitable[Any]]) -> Callable[[], Awaitable[None]]:
    async def perform() -> None:
        await call()

    return perform


def _waiting(unknown: UnknownTask) -> Callable[[], Awaitable[None]]:
    async def wait() -> None:
        raise unknown

    return wait


async def _stands_for_all() -> None:
    """In metrics and checks; a run has steps of its own instead."""
    raise NotImplementedError
