"""Parameters are filled by type. Whether everything asked for is there is found out when the application starts."""

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.destination import Destination
from pipelines.errors import WiringError
from pipelines.former import all_versions
from pipelines.pipeline import Pipeline
from pipelines.run import Ending
from pipelines.step import Call, Kind, Step, StepContext
from pipelines.transaction import ReadSession, Transaction


@dataclass(slots=True, kw_only=True)
class Occasion:
    """All that one call may be given."""

    payload: Any
    results: Mapping[str, Any]
    context: Callable[[], StepContext] | None = None  # made when it is asked for: its key is a hash
    tx: Transaction | None = None
    session: ReadSession | None = None
    ending: Ending | None = None


Source = Callable[[Occasion], Any]


@dataclass(frozen=True, slots=True)
class Unclear:
    """Several values of one type: nothing tells them apart, so none is given."""

    makers: Sequence[str]


Offer = Mapping[Any, Source | Unclear]
INPUT = "the input"


class Wired:
    """A function, and where each of its parameters comes from."""

    def __init__(self, call: Call, sources: Mapping[str, Source]) -> None:
        self.function = call.function
        self._sources = tuple(sources.items())

    def __call__(self, occasion: Occasion) -> Any:
        """Call it; for an `async def` this gives the coroutine."""
        return self.function(**{name: source(occasion) for name, source in self._sources})


@dataclass(frozen=True)
class WiredStep:
    """A step whose every parameter has a source."""

    step: Step
    call: Wired
    undo: "WiredStep | None"
    then: Wired | None


class WiredPipeline:
    """A pipeline that can run in this process."""

    def __init__(self, pipeline: Pipeline[Any], provided: Mapping[type, object]) -> None:
        self.pipeline = pipeline
        self._provided = provided
        self._makers: dict[Any, list[str]] = {pipeline.input_type: [INPUT]}
        pipeline.first_step  # noqa: B018 - raises when there is none
        pipeline.result_step  # noqa: B018 - raises when it is not one
        self.steps: dict[str, WiredStep] = {step.name: self._wired_step(step) for step in pipeline.steps}
        self.end = self._wired(pipeline.end, {Transaction: _tx, Ending: _ending}) if pipeline.end is not None else None
        self.again = self._wired(pipeline.again, {Transaction: _tx}) if pipeline.again is not None else None

    def unfolded(self, payload: Any) -> "WiredPipeline":
        """As it is for a run with this input. Raises `WiringError` when the input asks for what nobody provides."""
        pipeline = self.pipeline.unfolded(payload)
        return self if pipeline is self.pipeline else WiredPipeline(pipeline, self._provided)

    def _wired_step(self, step: Step) -> WiredStep:
        _check_limits(self.pipeline, step)
        own = _OWN[step.kind]
        wired = self._wired(step, own | self._result_sources())
        undo = self._wired_undo(step.undo) if step.undo is not None else None
        if step.result_type is not None:
            self._makers.setdefault(step.result_type, []).append(step.name)
        then = self._wired(step.then, {Transaction: _tx} | self._result_sources()) if step.then is not None else None
        return WiredStep(step, wired, undo, then)

    def _wired_undo(self, undo: Step) -> WiredStep:
        """An undo works by key and needs no result: none is offered."""
        return WiredStep(undo, self._wired(undo, _OWN[undo.kind]), undo=None, then=None)

    def _result_sources(self) -> dict[Any, Source | Unclear]:
        return {
            type_: Unclear(makers) if len(makers) > 1 else _result_of(makers[0])
            for type_, makers in self._makers.items()
            if makers != [INPUT]
        }

    def _wired(self, call: Call, offered: Offer) -> Wired:
        known: Offer = {self.pipeline.input_type: _payload} | dict(offered)
        if Transaction in offered and inspect.iscoroutinefunction(call.function):
            raise WiringError(
                f"{self.pipeline.name}: {call.label} is in a transaction, so it is a `def`: nobody waits there"
            )
        return Wired(call, {name: self._source(call, name, wanted, known) for name, wanted in call.parameters.items()})

    def _source(self, call: Call, name: str, wanted: Any, known: Offer) -> Source:
        source = known.get(wanted)
        asks = f"{self.pipeline.name}: {call.label} asks for {name}: {getattr(wanted, '__name__', wanted)}"
        if isinstance(source, Unclear):
            raise WiringError(
                f"{asks}, and there are several: {', '.join(source.makers)}. Give them types of their own."
            )
        if source is not None:
            return source
        if wanted in self._provided:
            gateway = self._provided[wanted]
            return lambda _: gateway
        there_are = ", ".join(sorted(_names([*known, *self._provided])))
        raise WiringError(f"{asks}, and nobody provides it. There are: {there_are}.")


def _check_limits(pipeline: Pipeline[Any], step: Step) -> None:
    name = f"{pipeline.name}: {step.label}"
    if step.timeout is not None and step.kind is not Kind.ACTION:
        raise WiringError(f"{name} has a timeout, but only an `async def` can be cancelled; a {step.kind} step cannot")
    if step.to is not None and step.kind is Kind.TRANSACTION:
        raise WiringError(f"{name} is a transaction step, which calls nobody: it has no destination")


def wire(pipelines: Iterable[Pipeline[Any]], provided: Mapping[type, object]) -> dict[tuple[str, str], WiredPipeline]:
    """All pipelines, by name and version, earlier versions too. Raises `WiringError` with what is missing."""
    wired: dict[tuple[str, str], WiredPipeline] = {}
    for pipeline in pipelines:
        if any(name == pipeline.name for name, _ in wired):
            raise WiringError(f"two pipelines are called {pipeline.name!r}")
        for each in all_versions([pipeline]):
            wired[each.name, each.version] = WiredPipeline(each, provided)
    _check_destinations(wired.values())
    return wired


def _check_destinations(wired: Iterable[WiredPipeline]) -> None:
    known: dict[str, Destination] = {}
    for each in wired:
        for step in each.pipeline.steps:
            if step.to is not None and known.setdefault(step.to.name, step.to) != step.to:
                raise WiringError(f"two destinations are called {step.to.name!r}, with different figures")


def _names(types: Iterable[Any]) -> list[str]:
    return [getattr(type_, "__name__", str(type_)) for type_ in types]


def _payload(occasion: Occasion) -> Any:
    return occasion.payload


def _tx(occasion: Occasion) -> Any:
    return occasion.tx


def _session(occasion: Occasion) -> Any:
    return occasion.session


def _context(occasion: Occasion) -> Any:
    return occasion.context() if occasion.context is not None else None


def _ending(occasion: Occasion) -> Any:
    return occasion.ending


def _result_of(step: str) -> Source:
    return lambda occasion: occasion.results[step]


_OWN: dict[Kind, dict[Any, Source]] = {
    Kind.TRANSACTION: {Transaction: _tx, StepContext: _context},
    Kind.ACTION: {StepContext: _context},
    Kind.COMPUTE: {ReadSession: _session, StepContext: _context},
}
