"""A scrape as Prometheus makes it: in OpenMetrics, read by the strict parser."""

from collections.abc import Iterable

import aiohttp
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

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
