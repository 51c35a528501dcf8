"""The manifests of each overlay, rendered; and what a process shows to Prometheus."""

import asyncio
from pathlib import Path

import pytest

from orders_service import schema
from orders_service.background import schedules_of
from orders_service.settings import Settings
from tests.builders.shop import open_shop
from tests.harness.kustomize import render
from tests.harness.manifests import Cluster
from tests.harness.scrape import OPEN_METRICS, Scrape, samples_of

_OVERLAYS = Path("deploy/kubernetes/overlays")


@pytest.fixture
def single_overlay() -> Cluster:
    return Cluster(render(_OVERLAYS / "single"))


@pytest.fixture
def postgres_overlay() -> Cluster:
    return Cluster(render(_OVERLAYS / "postgres"))


@pytest.fixture(params=["single", "postgres"])
def cluster(request: pytest.FixtureRequest) -> Cluster:
    return Cluster(render(_OVERLAYS / request.param))


@pytest.fixture(scope="session")
def scraped(tmp_path_factory: pytest.TempPathFactory) -> Scrape:
    """What a fresh process shows, with its usual schedules."""
    return asyncio.run(_scraped(tmp_path_factory.mktemp("scraped")))


async def _scraped(folder: Path) -> Scrape:
    url = f"sqlite:///{folder / 'orders.db'}"
    schema.migrate(url)
    async with open_shop(url, folder, schedules=schedules_of(Settings())) as shop:
        await shop.api.get("/v1/orders")
        return Scrape(samples_of((await shop.api.get("/metrics", headers=OPEN_METRICS)).text))
