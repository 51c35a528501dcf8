"""The Job of docs/upgrading.md, which looks before a deploy: a cluster takes it as it stands there."""

import re
from pathlib import Path

import pytest
import yaml
from kubernetes_validate import validate

from tests.harness.deployments import KUBERNETES, deployed
from tests.harness.kustomize import Manifest, read_all

PAGE = Path("docs/upgrading.md")


@pytest.fixture
def job() -> Manifest:
    (block,) = re.findall(r"^```yaml\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    manifest: Manifest = yaml.safe_load(block)
    return manifest


def test_it_is_valid_and_in_our_namespace(job: Manifest) -> None:
    validate(job, "1.34", strict=True)
    (namespace,) = read_all(KUBERNETES / "namespace.yaml")
    assert job["metadata"]["namespace"] == namespace["metadata"]["name"]


def test_it_meets_the_restricted_profile(job: Manifest) -> None:
    pod = job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    assert container["securityContext"] == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


def test_it_is_this_release_with_the_settings_of_its_pods(job: Manifest, project_version: str) -> None:
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert container["image"].endswith(f"/orders:{project_version}")
    assert job["metadata"]["name"].endswith(f"-{project_version}")
    worker = deployed("postgres").pod("orders-worker").main
    assert (container["envFrom"], container["env"]) == (worker["envFrom"], worker["env"])
