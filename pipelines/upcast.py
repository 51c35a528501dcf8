"""How a run that was started by an earlier version is read: its input, its results, and what its steps are called."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipelines.errors import WiringError

Reader = Callable[[Any], Any]


def _as_it_is(stored: Any) -> Any:
    return stored


@dataclass(frozen=True, kw_only=True)
class Upcast:
    """The way from one version to a newer one, `to`, or to the current one.

    `read` and `results` take what was stored, as plain JSON values, and give it the newer shape. `steps` says how a
    step that is still the same is called by now, `gone` before which step a run goes on that stood before a step which
    is no more. A step that is gone is not undone either: keep it for as long as that matters.
    """

    version: str
    to: str | None = None
    read: Reader = _as_it_is
    results: Mapping[str, Reader] = field(default_factory=dict)
    steps: Mapping[str, str] = field(default_factory=dict)
    gone: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(set(self.steps.values())) < len(self.steps):
            raise WiringError(f"upcast from {self.version}: two steps have become one; name the one that is `gone`")

    def now_called(self, step: str) -> str:
        """Where a run that stands at this step stands in the newer version."""
        return self.gone.get(step) or self.steps.get(step, step)

    def then_called(self, step: str) -> str:
        """What the earlier version calls a step of the newer one."""
        return next((old for old, new in self.steps.items() if new == step), step)


@dataclass(frozen=True)
class Chain:
    """Upcasts that follow each other, from an earlier version up to the current one; none for the current one."""

    links: tuple[Upcast, ...]

    def now_called(self, step: str) -> str:
        for link in self.links:
            step = link.now_called(step)
        return step

    def then_called(self, step: str) -> str:
        for link in reversed(self.links):
            step = link.then_called(step)
        return step

    def read(self, stored: Any) -> Any:
        for link in self.links:
            stored = link.read(stored)
        return stored

    def read_result(self, step: str, stored: Any) -> Any:
        """`step` as the earliest version calls it."""
        for link in self.links:
            stored = link.results.get(step, _as_it_is)(stored)
            step = link.now_called(step)
        return stored


def chain_from(version: str, upcasts: Mapping[str, Upcast], *, current: str) -> Chain:
    """The way from this version to the current one. Raises `WiringError` where there is none."""
    links: list[Upcast] = []
    at: str | None = version
    while at is not None and at != current:
        if at not in upcasts:
            raise WiringError(f"upcast from {version}: there is none from {at} on")
        if upcasts[at] in links:
            raise WiringError(f"upcast from {version}: leads in a circle")
        links.append(upcasts[at])
        at = upcasts[at].to
    return Chain(tuple(links))
