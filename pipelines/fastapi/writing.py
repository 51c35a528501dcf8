"""How an endpoint writes: a transaction function that commits before it goes on, with background tasks if need be."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Concatenate, ParamSpec, TypeVar, overload

from fastapi import Depends
from fastapi.requests import HTTPConnection

from pipelines.fastapi.lifespan import process_of
from pipelines.fastapi.tasks import TaskList
from pipelines.process import Process
from pipelines.transaction import Transaction

P = ParamSpec("P")
R = TypeVar("R")


class Writer:
    """`await write(function, ...)` runs a transaction function, and returns its result after the COMMIT.

    With `tasks=` the background tasks of the request are in the same COMMIT. Raises what the function raised, or a
    `JournalError`: all but `OutcomeUnknown` mean that nothing was written.
    """

    def __init__(self, process: Process) -> None:
        self._process = process

    @overload
    async def __call__(
        self, function: Callable[Concatenate[Transaction, ...], R], /, *args: Any, tasks: TaskList, **kwargs: Any
    ) -> R: ...

    @overload
    async def __call__(
        self, function: Callable[Concatenate[Transaction, P], R], /, *args: P.args, **kwargs: P.kwargs
    ) -> R: ...

    async def __call__(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        tasks: TaskList | None = kwargs.pop("tasks", None)
        if tasks is None:
            return await self._process.write(function, *args, **kwargs)
        return await tasks.save_with(function, *args, **kwargs)


async def _of_request(connection: HTTPConnection) -> Writer:
    return Writer(process_of(connection))


if TYPE_CHECKING:
    Write = Writer
else:
    Write = Annotated[Writer, Depends(_of_request)]
