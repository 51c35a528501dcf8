import asyncio
import random
import threading
from collections.abc import AsyncIterator

import httpx2
import pytest
from anyio import CapacityLimiter
from fastapi import APIRouter, FastAPI
from prometheus_client import CollectorRegistry

from orders_service import edge, problem_handlers
from orders_service.exchange import Limits
from orders_service.metrics import MOST_SCRAPES, HttpMetrics, metrics
from orders_service.problems import responses
from tests.harness.uvicorn_server import serving

DATABASE_ANSWERS = threading.Event()
THREADS = 40  # that endpoints share


def build_app(registry: CollectorRegistry) -> FastAPI:
    router = APIRouter(prefix="/orders")

    @router.get("/{number}", responses=responses(404))
    async def get_order(number: int) -> int:
        return number

    @router.post("/bug", status_code=201)
    async def find_bug() -> None:
        raise RuntimeError

    @router.get("/slow/report")
    def read_slowly() -> None:
        DATABASE_ANSWERS.wait()

    app = FastAPI()
    app.include_router(router, prefix="/v1")
    app.state.registry, app.state.scrapes = registry, CapacityLimiter(MOST_SCRAPES)
    app.add_api_route("/metrics", metrics, include_in_schema=False)
    problem_handlers.install(app, {})
    edge.install(app, Limits(), HttpMetrics(registry, version="1.2.3", commit="abc"))
    return app


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
async def client(registry: CollectorRegistry) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(build_app(registry))
    async with httpx2.AsyncClient(transport=transport, base_url="http://orders.test") as client:
        yield client


def requests(registry: CollectorRegistry, method: str, route: str, status: int) -> float | None:
    labels = {"method": method, "route": route, "status": str(status)}
    return registry.get_sample_value("orders_http_requests_total", labels)


@pytest.mark.parametrize(
    ("method", "path", "route", "status"),
    [
        ("GET", "/v1/orders/7", "/v1/orders/{number}", 200),
        ("GET", "/v1/orders/x", "/v1/orders/{number}", 422),
        ("PUT", "/v1/orders/7", "/v1/orders/{number}", 405),
        ("POST", "/v1/orders/bug", "/v1/orders/bug", 500),
        ("GET", "/v1/nowhere", "<unmatched>", 404),
    ],
)
async def test_requests_to_a_real_server_are_counted_by_template(
    registry: CollectorRegistry, method: str, path: str, route: str, status: int
) -> None:
    async with serving(build_app(registry)) as (host, port), httpx2.AsyncClient() as client:
        assert (await client.request(method, f"http://{host}:{port}{path}")).status_code == status

    assert requests(registry, method, route, status) == 1
    labels = {"method": method, "route": route}
    assert registry.get_sample_value("orders_http_request_duration_seconds_count", labels) == 1


async def test_a_method_made_up_by_a_client_is_other(client: httpx2.AsyncClient, registry: CollectorRegistry) -> None:
    await client.request("BREW", "/v1/orders/7")

    assert requests(registry, "other", "/v1/orders/{number}", 405) == 1


@pytest.mark.usefixtures("client")
@pytest.mark.parametrize(
    ("method", "route", "status"),
    [
        ("GET", "/v1/orders/{number}", 200),
        ("GET", "/v1/orders/{number}", 404),
        ("GET", "/v1/orders/{number}", 500),
        ("POST", "/v1/orders/bug", 201),
    ],
)
async def test_known_series_start_at_zero(registry: CollectorRegistry, method: str, route: str, status: int) -> None:
    assert requests(registry, method, route, status) == 0


async def test_random_paths_add_no_series(client: httpx2.AsyncClient, registry: CollectorRegistry) -> None:
    dice = random.Random(7)  # noqa: S311 - any paths will do, the same ones each time
    await client.get("/first")
    before = sum(len(family.samples) for family in registry.collect())

    for _ in range(1000):
        await client.get(f"/{dice.randbytes(8).hex()}")

    assert sum(len(family.samples) for family in registry.collect()) == before


async def test_no_request_stays_in_progress(client: httpx2.AsyncClient, registry: CollectorRegistry) -> None:
    await client.get("/v1/orders/7")
    await client.post("/v1/orders/bug")

    assert registry.get_sample_value("orders_http_requests_in_progress") == 0


async def test_a_scrape_does_not_queue_behind_endpoints_that_wait_for_the_database(client: httpx2.AsyncClient) -> None:
    waiting = [asyncio.create_task(client.get("/v1/orders/slow/report")) for _ in range(2 * THREADS)]
    try:
        async with asyncio.timeout(60):
            while "orders_http_requests_in_progress 81.0" not in (await client.get("/metrics")).text:
                pass
            assert (await client.get("/metrics")).status_code == 200  # all threads are taken by now
    finally:
        DATABASE_ANSWERS.set()
        await asyncio.gather(*waiting)
        DATABASE_ANSWERS.clear()


async def test_metrics_see_their_own_scrape_in_progress(client: httpx2.AsyncClient) -> None:
    assert "orders_http_requests_in_progress 1.0" in (await client.get("/metrics")).text


@pytest.mark.usefixtures("client")
def test_what_is_running_can_be_read(registry: CollectorRegistry) -> None:
    assert registry.get_sample_value("orders_build_info", {"version": "1.2.3", "commit": "abc"}) == 1


async def test_a_scrape_gets_the_plain_format(client: httpx2.AsyncClient) -> None:
    assert (await client.get("/metrics")).headers["content-type"].startswith("text/plain; version=")


async def test_a_scrape_gets_open_metrics_when_it_asks(client: httpx2.AsyncClient) -> None:
    response = await client.get("/metrics", headers={"Accept": "application/openmetrics-text;version=1.0.0"})

    assert response.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert response.text.endswith("# EOF\n")
