"""All that comes out of a shop, wherever it is written to, to be searched for what must not."""

import io
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.builders.canaries import leaked
from tests.builders.shop import Shop


@dataclass
class Ear:
    """Hears all that comes out of a shop."""

    shop: Shop
    lines: io.StringIO
    spans: InMemorySpanExporter
    printed: pytest.CaptureFixture[str]
    problems: list[str] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)  # that were made for us

    async def request(self, client: httpx2.AsyncClient, **request: Any) -> httpx2.Response:
        answer = await client.request(**request)
        if answer.status_code >= 400:
            self.problems.append(answer.text)
        return answer

    async def leaks(self) -> dict[str, set[str]]:
        """What has come out where."""
        spans = [span.to_json() for span in self.spans.get_finished_spans()]
        said = {
            "lines": self.lines.getvalue(),
            "printed": "".join(self.printed.readouterr()),
            "spans": "".join(spans),
            "metrics": (await self.shop.api.get("/metrics")).text,
            "problems": "".join(self.problems),
        }
        assert said["lines"]
        assert spans
        return {where: found for where, text in said.items() if (found := leaked(text, *self.secrets))}
