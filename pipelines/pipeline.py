"""A pipeline: a named, ordered list of steps, declared in code."""

import hashlib
import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import cached_property
from types import MappingProxyType
from typing import Any, Generic, Protocol, TypeVar

from pydantic import TypeAdapter

from pipelines.destination import Destination
from pipelines.errors import UnknownStep, WiringError
from pipelines.retry import Retry
from pipelines.run import StoredResult
from pipelines.step import UNDO_RETRY, Call, Function, Kind, Step
from pipelines.upcast import Reader, Upcast

In = TypeVar("In")
F = TypeVar("F", bound=Function)
R = TypeVar("R", bound=Reader)

NO_RETRY = Retry()
NOTHING: Mapping[str, Any] = MappingProxyType({})


class Finished(Protocol):
    """What is asked of the record of a run: what this step of it returned."""

    def returned_by(self, step: str) -> StoredResult | None: ...


class Pipeline(Generic[In]):
    """Steps run strictly in the order in which they are declared. Name and step names are stored data: keep them."""

    def __init__(
        self, name: str, input_type: type[In], *, result: Any = None, deadline: timedelta | None = None
    ) -> None:
        """`result` is the type of what a run is for, which one step returns; `deadline` is that of a whole run."""
        if deadline is not None and not isinstance(deadline, timedelta):
            raise WiringError(f"{name}: deadline={deadline!r} is no timedelta; timedelta(hours=1) is")
        self.name = name
        self.input_type = input_type
        self.result_type = result
        self.deadline = deadline
        self.steps: tuple[Step, ...] = ()
        self.end: Call | None = None
        self.upcasts: dict[str, Upcast] = {}
        self.again: Call | None = None

    def step(
        self,
        *,
        name: str | None = None,
        retry: Retry = NO_RETRY,
        timeout: float | timedelta | None = None,
        to: Destination | None = None,
        undo: Function | None = None,
        undo_retry: Retry = UNDO_RETRY,
        then: Function | None = None,
    ) -> Callable[[F], F]:
        """Declare the next step. The function is returned as it is, so that tests can call it.

        `timeout`, in seconds or a `timedelta`, is for action steps, which it cancels: a thread or a transaction cannot
        be. `to` names whom an action or compute step calls; its undo calls the same. `undo` is owed when a later step
        fails; for an action step also when the step itself fails, since it may have happened. `then` is a transaction
        function that commits together with the step's end.
        """
        if not isinstance(retry, Retry):
            raise WiringError(f"{self.name}: retry={retry!r} is no Retry; Retry(on=(ConnectionError,), attempts=3) is")
        limit = timeout if timeout is None or isinstance(timeout, timedelta) else timedelta(seconds=timeout)

        def declare(function: F) -> F:
            self._append(
                Step(
                    function=function,
                    name=name or function.__name__,
                    retry=retry,
                    timeout=limit,
                    to=to,
                    undo=_undo(undo, undo_retry, limit, to),
                    then=Call(function=then) if then is not None else None,
                )
            )
            return function

        return declare

    def at_end(self, function: F) -> F:
        """Declare the transaction function that sets the record's final state, whatever the ending."""
        if self.end is not None:
            raise WiringError(f"{self.name}: at_end is declared twice")
        self.end = Call(function=function)
        return function

    def at_retry(self, function: F) -> F:
        """Declare the transaction function that opens the record again when a run that has failed is retried."""
        if self.again is not None:
            raise WiringError(f"{self.name}: at_retry is declared twice")
        self.again = Call(function=function)
        return function

    def upcast(
        self,
        version: str,
        *,
        to: str | None = None,
        steps: Mapping[str, str] = NOTHING,
        gone: Mapping[str, str] = NOTHING,
        results: Mapping[str, Reader] = NOTHING,
    ) -> Callable[[R], R]:
        """Carry on runs that an earlier version of this pipeline has started; see `Upcast` for the words.

        Decorates the function that reads the stored input, given as plain JSON values. Called as a statement it says
        that the input is read as it stands.
        """
        if version in self.upcasts:
            raise WiringError(f"{self.name}: there are two upcasts from {version}")
        link = Upcast(version=version, to=to, steps=steps, gone=gone, results=results)
        self.upcasts[version] = link

        def declare(function: R) -> R:
            self.upcasts[version] = replace(link, read=function)
            return function

        return declare

    def _append(self, step: Step) -> None:
        if any(earlier.name == step.name for earlier in self.steps):
            raise WiringError(f"{self.name}: two steps are called {step.name!r}")
        self.steps = (*self.steps, step)

    @property
    def first_step(self) -> Step:
        if not self.steps:
            raise WiringError(f"{self.name}: has no steps")
        return self.steps[0]

    @property
    def result_step(self) -> str | None:
        """The step that returns the result of the run, if one was declared."""
        if self.result_type is None:
            return None
        makers = [step.name for step in self.steps if step.result_type == self.result_type]
        if len(makers) != 1:
            wanted = getattr(self.result_type, "__name__", self.result_type)
            raise WiringError(f"{self.name}: one step has to return its result {wanted}; there are: {makers}")
        return makers[0]

    def result_of(self, run: Finished) -> Any:
        """What a run was for, in the declared type; nothing until it has completed."""
        step = self.result_step
        kept = run.returned_by(step) if step is not None else None
        return self.decode_kept(step, kept) if step is not None and kept is not None else None

    @cached_property
    def _places(self) -> dict[str, int]:
        return {step.name: place for place, step in enumerate(self.steps)}

    def unfolded(self, payload: In) -> "Pipeline[Any]":  # noqa: ARG002 - for those whose input says what their steps are
        """The pipeline with the steps that a run for this input has."""
        return self

    def first_step_for(self, payload: In) -> str:  # noqa: ARG002 - the same
        """The name of the step at which a run for this input begins."""
        return self.first_step.name

    def step_named(self, name: str) -> Step:
        return self.steps[self._places[name]]

    def place_of(self, step: str) -> str:
        """Where a run goes on that stands at this step. Raises `UnknownStep` when it is one of other code."""
        if step not in self._places:
            raise UnknownStep(self.name, self.version, step)
        return step

    def step_after(self, name: str) -> Step | None:
        place = self._places[name] + 1
        return self.steps[place] if place < len(self.steps) else None

    def first_undo(self, name: str, undone: Collection[str] = ()) -> Step | None:
        """Which step to undo first when this one could not be finished: itself, if it may have happened."""
        step = self.step_named(name)
        if step.undo is not None and step.kind is not Kind.TRANSACTION and name not in undone:
            return step
        return self.undo_before(name, undone)

    def undo_before(self, name: str, undone: Collection[str] = ()) -> Step | None:
        """The nearest earlier step that can be undone, and is not."""
        earlier = self.steps[: self._places[name]]
        return next((step for step in reversed(earlier) if step.undo is not None and step.name not in undone), None)

    @cached_property
    def version(self) -> str:
        """A name for the steps and for the shapes that are stored; optional fields do not count."""
        shapes = [_shape(self.input_type), *([step.name, step.kind, _shape(step.result_type)] for step in self.steps)]
        return hashlib.sha256(json.dumps(shapes, sort_keys=True).encode()).hexdigest()[:12]

    @property
    def written_by(self) -> str | None:
        """The version of this code, where its runs are of another."""
        return None

    @cached_property
    def _input(self) -> TypeAdapter[In]:
        return TypeAdapter(self.input_type)

    def encode(self, payload: In) -> str:
        return self._input.dump_json(payload, warnings="error").decode()

    def decode(self, payload: str) -> In:
        return self._input.validate_json(payload)

    @cached_property
    def _results(self) -> dict[str, TypeAdapter[Any]]:
        return {step.name: TypeAdapter(step.result_type) for step in self.steps if step.result_type is not None}

    def encode_result(self, step: str, result: Any) -> str | None:
        adapter = self._results.get(step)
        # A result of another type would be stored with a mere warning, and be unreadable after the next crash.
        return adapter.dump_json(result, warnings="error").decode() if adapter is not None else None

    def decode_result(self, step: str, result: str | None) -> Any:
        adapter = self._results.get(step)
        return adapter.validate_json(result) if adapter is not None and result is not None else None

    def decode_kept(self, step: str, kept: StoredResult) -> Any:
        """Read a result as a claim found it, whichever code has written it."""
        return self.decode_result(step, kept.text)


def _undo(function: Function | None, retry: Retry, limit: timedelta | None, to: Destination | None) -> Step | None:
    if function is None:
        return None
    return Step(function=function, name=function.__name__, retry=retry, timeout=limit, to=to)


_UNSHAPELY = {"title", "description", "default", "examples"}
_REFERENCE = re.compile(r'"#/\$defs/([^"]+)"')


def _shape(type_: Any) -> Any:
    """What a stored value must have: the JSON schema without words and without optional properties."""
    return None if type_ is None else _reached(_required(TypeAdapter(type_).json_schema()))


def _reached(schema: dict[str, Any]) -> Any:
    """The schema, and those of its definitions that it still refers to."""
    definitions, waiting = schema.pop("$defs", {}), [schema]
    reached: dict[str, Any] = {}
    while waiting:
        names = _REFERENCE.findall(json.dumps(waiting.pop()))
        new = {name: definitions[name] for name in names if name in definitions and name not in reached}
        reached |= new
        waiting += new.values()
    return [schema, reached]


def _required(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_required(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: _required(value) for key, value in schema.items() if key not in _UNSHAPELY}
    if isinstance(schema.get("properties"), dict):
        needed = schema.get("required", [])
        kept["properties"] = {name: _required(schema["properties"][name]) for name in needed}
        kept["required"] = sorted(needed)
    return kept
