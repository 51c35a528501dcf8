"""One effect: a step of a pipeline, its kind, and what it asks for."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Any, TypeAlias, get_type_hints
from uuid import UUID

from pipelines.destination import Destination
from pipelines.errors import WiringError
from pipelines.retry import Retry
from pipelines.run import Progress
from pipelines.transaction import ReadSession, Transaction

Function: TypeAlias = Callable[..., Any]

UNDO_RETRY = Retry(on=(Exception,), attempts=8)
"""An undo is owed, so every failure is tried again; eight attempts with the usual back-off."""


class Kind(StrEnum):
    """Where a step runs, which follows from what it is and what it asks for."""

    TRANSACTION = "transaction"  # `def` that asks for the Transaction: in the committer, its effect exactly once
    ACTION = "action"  # `async def`: on the event loop, its effect at least once under one key
    COMPUTE = "compute"  # any other `def`: in a thread, may read


def unheard(_: Progress) -> None:
    """Whoever calls a step himself need not listen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepContext:
    """What a step may know of its own execution.

    `deadline` is when the run's time is up, if it has a deadline. An action step is cancelled then; a thread cannot be,
    so a compute step that may take long looks at it.
    """

    run_id: UUID
    step: str
    attempt: int
    idempotency_key: str
    deadline: datetime | None = None
    listener: Callable[[Progress], None] = field(default=unheard, repr=False, compare=False)

    def progress(self, done: int, total: int | None = None, note: str | None = None) -> None:
        """Say how far this step has come. Returns at once, from a thread too; call it as often as you like.

        The latest word is written at most twice a second, and the last one before the step's attempt is. It is shown
        while the run is at this step. A transaction step is not heard: nobody sees anything of it before it is done.
        """
        self.listener(Progress(int(done), total if total is None else int(total), note if note is None else str(note)))


@dataclass(frozen=True, kw_only=True)
class Call:
    """A function that asks for its parameters by type."""

    function: Function

    @property
    def label(self) -> str:
        """Its name in messages."""
        return getattr(self.function, "__name__", repr(self.function))

    @property
    def qualified_name(self) -> str | None:
        """Where it is to be found: `module.qualname`."""
        return f"{self.function.__module__}.{name}" if (name := getattr(self.function, "__qualname__", None)) else None

    @cached_property
    def parameters(self) -> dict[str, Any]:
        """Name and type of each parameter. Read when the application starts, so later names may be used."""
        hints = _hints(self.function)
        for name, parameter in inspect.signature(self.function).parameters.items():
            if name not in hints:
                raise WiringError(f"{self.label}: parameter {name!r} has no type, and parameters are filled by type")
            if parameter.kind not in _NAMED:
                raise WiringError(f"{self.label}: parameter {name!r} cannot be given by name")
        return {name: hints[name] for name in inspect.signature(self.function).parameters}

    @cached_property
    def result_type(self) -> Any:
        """What it returns; `None` where it returns nothing, or does not say."""
        declared = _hints(self.function).get("return")
        return None if declared is type(None) else declared

    @cached_property
    def kind(self) -> Kind:
        asked_for = set(map(_hashable, self.parameters.values()))
        if inspect.iscoroutinefunction(self.function):
            if asked_for & {Transaction, ReadSession}:
                raise WiringError(f"{self.label}: an `async def` may not hold a database session; no step does both")
            return Kind.ACTION
        return Kind.TRANSACTION if Transaction in asked_for else Kind.COMPUTE


@dataclass(frozen=True, kw_only=True)
class Step(Call):
    """One named step of a pipeline."""

    name: str
    retry: Retry
    timeout: timedelta | None
    to: Destination | None = None
    undo: "Step | None" = None
    then: Call | None = None
    may_fail: bool = False  # the following steps run all the same, and the run fails at its end


_NAMED = {inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY}


def _hints(function: Function) -> dict[str, Any]:
    try:
        return get_type_hints(function)
    except NameError as error:
        raise WiringError(f"{function!r}: {error}; parameters are filled by type") from error


def _hashable(annotation: Any) -> Any:
    return annotation if isinstance(annotation, type) else str(annotation)
