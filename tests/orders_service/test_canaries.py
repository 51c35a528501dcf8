"""What people send comes out in no log line, no metric, no trace, no problem, and nowhere else that we write to."""

import io
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi.routing import iter_route_contexts
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from orders_service import openapi
from tests.builders.canaries import canary, everywhere, leaked
from tests.builders.shop import Shop, open_shop

DOCUMENT = openapi.document()


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


@pytest.fixture
async def ear(
    sqlite_url: str,
    tmp_path: Path,
    out: io.StringIO,
    exporter: InMemorySpanExporter,
    capfd: pytest.CaptureFixture[str],
) -> AsyncIterator[Ear]:
    async with open_shop(sqlite_url, tmp_path) as shop:
        yield Ear(shop, out, exporter, capfd)


def routes(shop: Shop) -> list[tuple[str, str]]:
    contexts = iter_route_contexts(shop.app.router.routes)
    listed = {(method, str(each.path_format or each.path)) for each in contexts for method in each.methods or ()}
    return sorted(listed)


@pytest.mark.parametrize("who", ["nobody", "admin"])
async def test_what_is_sent_to_any_route_comes_out_nowhere(ear: Ear, who: str) -> None:
    client = ear.shop.api if who == "admin" else ear.shop.client(canary("token"))
    for method, path in routes(ear.shop):
        operation = DOCUMENT["paths"].get(path, {}).get(method.lower(), {})
        for request in everywhere(method, path, operation, DOCUMENT["components"]["schemas"]):
            await ear.request(client, **request)
    assert len(ear.problems) > 200
    assert await ear.leaks() == {}


async def test_what_leads_to_no_route_comes_out_nowhere(ear: Ear) -> None:
    for method, path in (("GET", "/nowhere"), (canary("method").upper(), "/v1/orders"), ("GET", f"/{canary('path')}")):
        await ear.request(ear.shop.api, method=method, url=path, params={"q": canary("query")})
    assert await ear.leaks() == {}
