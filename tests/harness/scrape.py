"""A scrape as Prometheus makes it: in OpenMetrics, read by the strict parser."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import aiohttp
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from tests.harness.promql import Matcher, Selector, grouped_by, selectors_of

OPEN_METRICS = {"Accept": "application/openmetrics-text; version=1.0.0"}


def samples_of(text: str) -> list[Sample]:
    """All samples, and none if anything of the text is not as the format has it."""
    families: Iterable[Metric] = text_string_to_metric_families(text)  # type: ignore[no-untyped-call] # without types
    return [sample for family in families for sample in family.samples]


def value_of(samples: Iterable[Sample], name: str, **labels: str) -> float:
    """The value of the one sample that has this name and these labels, among others perhaps."""
    [value] = [sample.value for sample in samples if sample.name == name and labels.items() <= sample.labels.items()]
    return value


async def scrape(url: str) -> list[Sample]:
    """What a server shows at `/metrics`, over a connection of its own: another worker may answer each time."""
    async with aiohttp.ClientSession() as http, http.get(f"{url}/metrics", headers=OPEN_METRICS) as answer:
        assert answer.status == 200
        return samples_of(await answer.text())


@dataclass(frozen=True)
class Scrape:
    """What was shown, for whoever asks whether an expression would find it."""

    samples: Sequence[Sample]

    @cached_property
    def names(self) -> set[str]:
        return {sample.name for sample in self.samples}

    @cached_property
    def families(self) -> set[str]:
        """As people name them: counters with `_total`, histograms without a suffix."""
        return {
            _SUFFIX.sub("", name) if f"{_SUFFIX.sub('', name)}_bucket" in self.names else name for name in self.names
        }

    def missing(self, expression: str) -> list[str]:
        """What an expression names and nothing shown has: metrics, labels, and values of labels."""
        asked = list(selectors_of(expression))
        known = _OF_PROMETHEUS.union(*(self._values(each.metric) for each in asked))
        groups = [f"by {label}" for label in grouped_by(expression) - known]
        return groups + [trouble for each in asked for trouble in self._troubles(each)]

    def _values(self, metric: str) -> dict[str, set[str]]:
        values: dict[str, set[str]] = {}
        for sample in self.samples:
            if sample.name == metric:
                for label, value in sample.labels.items():
                    values.setdefault(label, set()).add(value)
        return values

    def _troubles(self, asked: Selector) -> Iterator[str]:
        values = self._values(asked.metric)
        if asked.metric not in self.names:
            yield asked.metric
        for matcher in asked.matchers:
            found = values.get(matcher.label, set())
            for wanted in () if _is_variable(matcher) else matcher.alternatives:
                if not any(re.fullmatch(wanted, each) for each in found):
                    yield f"{asked.metric}{{{matcher.label}={wanted}}}"


def _is_variable(matcher: Matcher) -> bool:
    """Filled in by the dashboard, or by Prometheus."""
    return matcher.value.startswith("$") or matcher.label in _OF_PROMETHEUS


_SUFFIX = re.compile("_(bucket|sum|count)$")
_OF_PROMETHEUS = {"instance", "job"}
