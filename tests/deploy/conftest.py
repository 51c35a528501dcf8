"""The manifests of each overlay, rendered; and what a process shows to Prometheus."""

import asyncio
import tomllib
from pathlib import Path

import pytest

from orders_service import schema
from orders_service.background import schedules_of
from orders_service.settings import Settings
from tests.builders.shop import open_shop
from tests.harness.deployments import DEPLOYMENTS, deployed, named
from tests.harness.manifests import Cluster
from tests.harness.scrape import OPEN_METRICS, Scrape, samples_of


@pytest.fixture(scope="session")
def project_version() -> str:
    return str(tomllib.loads(Path("pyproject.toml").read_text())["project"]["version"])


@pytest.fixture
def single_overlay() -> Cluster:
    return deployed("single")


@pytest.fixture(params=["postgres", "celery"])
def fleet(request: pytest.FixtureRequest) -> Cluster:
    """Several pods on one PostgreSQL."""
    return deployed(request.param)


@pytest.fixture(params=DEPLOYMENTS, ids=named)
def cluster(request: pytest.FixtureRequest) -> Cluster:
    overlay, added = request.param
    return deployed(overlay, *added)


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
