"""The renderer of the tests against kustomize itself, where that is installed, and against what it does not know."""

import os
import shutil
from pathlib import Path

import pytest
import yaml

from tests.harness.deployments import ADDITIONS, COMPONENTS, OVERLAYS, deployed
from tests.harness.kustomize import UnknownToTests, in_one_order, render, render_with_kubectl

_KUBECTL = shutil.which("kubectl")


@pytest.mark.skipif(
    _KUBECTL is None, reason="kubectl comes in no wheel; without it the renderer is compared with nothing"
)
@pytest.mark.parametrize("overlay", ADDITIONS)
def test_renders_what_kubectl_renders(overlay: str, tmp_path: Path) -> None:
    """With all components at once: kubectl takes a second each time."""
    assert _KUBECTL is not None
    added = ADDITIONS[overlay][-1]
    plan = {
        "resources": [os.path.relpath(OVERLAYS / overlay, tmp_path)],
        "components": [os.path.relpath(COMPONENTS / component, tmp_path) for component in added],
        "namespace": "orders",
    }
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(plan))
    real = render_with_kubectl(_KUBECTL, tmp_path)
    assert in_one_order(deployed(overlay, *added).manifests) == in_one_order(real)


@pytest.mark.parametrize(
    "plan",
    [
        "namePrefix: x-",
        "patches: [{target: {kind: Job}, patch: x}]",
        "patches: [{target: {kind: Job, labelSelector: x=y}, path: patch.yaml}]",
        "images: [{name: x, digest: y}]",
    ],
)
def test_refuses_what_it_does_not_know(tmp_path: Path, plan: str) -> None:
    (tmp_path / "kustomization.yaml").write_text(plan)
    (tmp_path / "patch.yaml").write_text("kind: Job")
    with pytest.raises(UnknownToTests):
        render(tmp_path)
