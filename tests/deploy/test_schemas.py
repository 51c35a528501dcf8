"""Every manifest against the published schemas of Kubernetes, which know no field they were not told of."""

from pathlib import Path

import pytest
from kubernetes_validate import validate

from tests.harness.kustomize import read_all
from tests.harness.manifests import Cluster

_KUBERNETES = Path("deploy/kubernetes")
# The oldest that sleeps in preStop without a feature gate, and the newest there is a schema for.
_VERSIONS = ["1.30", "1.37"]


def whole_files() -> list[Path]:
    files = [*_KUBERNETES.glob("*.yaml"), *_KUBERNETES.glob("base/*.yaml")]
    return [file for file in files if file.name != "kustomization.yaml"]


@pytest.mark.parametrize("version", _VERSIONS)
@pytest.mark.parametrize("file", whole_files(), ids=lambda file: file.name)
def test_each_file_of_the_base_is_valid_alone(file: Path, version: str) -> None:
    for manifest in read_all(file):
        validate(manifest, version, strict=True)


@pytest.mark.parametrize("version", _VERSIONS)
def test_what_an_overlay_renders_is_valid(cluster: Cluster, version: str) -> None:
    for manifest in cluster.manifests:
        validate(manifest, version, strict=True)


@pytest.mark.parametrize("folder", ["base", "overlays/single", "overlays/postgres"])
def test_no_file_is_left_out_of_its_kustomization(folder: str) -> None:
    plan = read_all(_KUBERNETES / folder / "kustomization.yaml")[0]
    named = {*plan["resources"], *(patch["path"] for patch in plan.get("patches", []))}
    there = {file.name for file in (_KUBERNETES / folder).iterdir()} - {"kustomization.yaml"}
    assert there == named - {"../../base"}
