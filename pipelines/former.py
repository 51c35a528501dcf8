"""A pipeline as an earlier version knew it: the steps of today under the names of then, to carry its runs on.

What the journal says of a run stays in the words of the version that started it. So its idempotency keys stay too,
and a call that was perhaps made under an old name is repeated under the same key.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cached_property
from typing import Any, TypeVar

from pydantic import TypeAdapter
from pydantic_core import to_json

from pipelines.errors import UnknownStep, WiringError
from pipelines.pipeline import Pipeline
from pipelines.run import StoredResult
from pipelines.upcast import Chain, chain_from

In = TypeVar("In")

_PLAIN = (dict, list, str, int, float, bool, type(None))
_OF_ITS_OWN = {"steps"} | {name for name, each in vars(Pipeline).items() if isinstance(each, cached_property)}


class FormerPipeline(Pipeline[In]):
    """Carries runs of an earlier version with the current steps. Raises `WiringError` where its upcast is amiss."""

    def __init__(self, today: Pipeline[In], version: str) -> None:
        super().__init__(today.name, today.input_type)
        vars(self).update({name: value for name, value in vars(today).items() if name not in _OF_ITS_OWN})
        self._today = today
        self._since = version
        self._chain = chain_from(version, today.upcasts, current=today.version)
        if not self._chain.links:
            raise WiringError(f"{today.name}: {version} is the current version, and needs no upcast")
        self._check_names()
        for step in today.steps:
            self._append(replace(step, name=self._chain.then_called(step.name)))

    def _check_names(self) -> None:
        first, there_are = self._chain.links[0], {step.name for step in self._today.steps}
        for old in (*first.steps, *first.gone, *first.results):
            if (new := self._chain.now_called(old)) not in there_are:
                raise WiringError(
                    f"{self.name}: the upcast from {self._since} names {old!r}, of which {new!r} has become, "
                    f"and that is no step. There are: {', '.join(sorted(there_are))}."
                )

    @cached_property
    def version(self) -> str:
        return self._since

    @property
    def written_by(self) -> str | None:
        """Results that this code adds to an old run have the new shape, and the journal must know it."""
        return self._today.version

    def place_of(self, step: str) -> str:
        place = self._chain.then_called(self._chain.now_called(step))
        if place not in self._places:
            raise UnknownStep(self.name, self._since, step)
        return place

    def decode(self, payload: str) -> In:
        decoded: In = _into(self._input, self._chain.read(json.loads(payload)))
        return decoded

    def decode_kept(self, step: str, kept: StoredResult) -> Any:
        """A result may be older than this code, or as new, or in between."""
        if kept.text is None or step not in self._results:
            return None
        chain = self._chain_of(kept.version)
        called = chain.then_called(self._chain.now_called(step))
        return _into(self._results[step], chain.read_result(called, json.loads(kept.text)))

    def _chain_of(self, version: str | None) -> Chain:
        if version is None:
            return self._chain
        return chain_from(version, self.upcasts, current=self._today.version)


def _into(adapter: TypeAdapter[Any], read: Any) -> Any:
    """Still JSON, so read as strictly as what is stored; or already what was to become of it."""
    is_plain = type(read) in _PLAIN
    return adapter.validate_json(to_json(read, by_alias=False)) if is_plain else adapter.validate_python(read)


def all_versions(pipelines: Iterable[Pipeline[Any]]) -> Iterator[Pipeline[Any]]:
    """Each pipeline, and after it the earlier versions of it that this code can carry on."""
    for pipeline in pipelines:
        yield pipeline
        for version in pipeline.upcasts:
            yield FormerPipeline(pipeline, version)
