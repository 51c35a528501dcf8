"""The manifests of each overlay, rendered."""

from pathlib import Path

import pytest

from tests.harness.kustomize import render
from tests.harness.manifests import Cluster

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
