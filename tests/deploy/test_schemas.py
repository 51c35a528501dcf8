"""Every manifest against the published schemas of Kubernetes, which know no field they were not told of."""

import json
from functools import cache
from pathlib import Path

import kubernetes_validate.utils
import pytest
from kubernetes_validate import validate

from tests.harness.deployments import ADDITIONS, COMPONENTS, DEPLOYMENTS, KUBERNETES, deployed
from tests.harness.kustomize import Manifest, read_all

# The oldest that sleeps in preStop without a feature gate, one in the middle, and the newest there is a schema for.
_VERSIONS = ["1.30", "1.34", "1.37"]
# Resources of others, which these schemas do not know; see test_scaling.py and test_monitoring.py.
_FOREIGN = {"keda.sh/v1alpha1", "monitoring.coreos.com/v1"}
_PARTS = ["base", "overlays/single", "overlays/postgres", "overlays/celery", "components/release"]


@pytest.fixture(autouse=True)
def read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each validation would read a megabyte of definitions anew."""
    monkeypatch.setattr(kubernetes_validate.utils, "schema_contents", _SCHEMA_CONTENTS)


_SCHEMA_CONTENTS = cache(kubernetes_validate.utils.schema_contents)


def whole_files() -> list[Path]:
    files = [*KUBERNETES.glob("*.yaml"), *KUBERNETES.glob("base/*.yaml"), *KUBERNETES.glob("overlays/celery/*.yaml")]
    return [file for file in files if file.name not in {"kustomization.yaml", "broker.yaml"}]


def everything_deployed() -> list[Manifest]:
    """Each manifest once, however many deployments have it."""
    found = [manifest for overlay, added in DEPLOYMENTS for manifest in deployed(overlay, *added).manifests]
    return list({json.dumps(manifest, sort_keys=True): manifest for manifest in found}.values())


@pytest.mark.parametrize("version", _VERSIONS)
@pytest.mark.parametrize("file", whole_files(), ids=lambda file: file.name)
def test_each_file_is_valid_alone(file: Path, version: str) -> None:
    for manifest in read_all(file):
        validate(manifest, version, strict=True)


@pytest.mark.parametrize("version", _VERSIONS)
def test_what_is_deployed_is_valid(version: str) -> None:
    for manifest in everything_deployed():
        if manifest["apiVersion"] not in _FOREIGN:
            assert validate(manifest, version, strict=True) == version


def test_only_components_bring_resources_of_others() -> None:
    for overlay in ADDITIONS:
        assert {manifest["apiVersion"] for manifest in deployed(overlay).manifests}.isdisjoint(_FOREIGN)


@pytest.mark.parametrize("folder", [*_PARTS, *(f"components/{part}" for part in ADDITIONS["celery"][-1])])
def test_no_file_is_left_out_of_its_kustomization(folder: str) -> None:
    plan = read_all(KUBERNETES / folder / "kustomization.yaml")[0]
    named = {*plan.get("resources", []), *(patch["path"] for patch in plan.get("patches", []))}
    there = {file.name for file in (KUBERNETES / folder).iterdir()} - {"kustomization.yaml"}
    assert there == named - {"../../base"}


@pytest.mark.parametrize("overlay", ADDITIONS)
def test_an_overlay_offers_the_components_that_fit_it(overlay: str) -> None:
    text = (KUBERNETES / "overlays" / overlay / "kustomization.yaml").read_text()
    offered = {folder.name for folder in COMPONENTS.iterdir() if f"# - ../../components/{folder.name}\n" in text}
    assert offered == {component for added in ADDITIONS[overlay] for component in added}
