"""The ways in which the service is deployed: each overlay, alone and with the components that a user may add."""

from functools import cache
from pathlib import Path

from tests.harness.kustomize import render
from tests.harness.manifests import Cluster

KUBERNETES = Path("deploy/kubernetes")
OVERLAYS = KUBERNETES / "overlays"
COMPONENTS = KUBERNETES / "components"
ADDITIONS = {
    "single": [(), ("monitoring",)],
    "postgres": [(), ("keda",), ("monitoring",), ("keda", "monitoring")],
    "celery": [(), ("keda",), ("monitoring",), ("keda", "monitoring")],
}
DEPLOYMENTS = [(overlay, added) for overlay, choices in ADDITIONS.items() for added in choices]


def named(deployment: tuple[str, tuple[str, ...]]) -> str:
    overlay, added = deployment
    return "+".join((overlay, *added))


@cache
def deployed(overlay: str, *added: str) -> Cluster:
    """Rendered once: tests look, and change nothing."""
    return Cluster(render(OVERLAYS / overlay, *(COMPONENTS / component for component in added)))
