"""The renderer of the tests against kustomize itself, where that is installed, and against what it does not know."""

import shutil
from pathlib import Path

import pytest

from tests.harness.kustomize import UnknownToTests, in_one_order, render, render_with_kubectl

_OVERLAYS = Path("deploy/kubernetes/overlays")
_KUBECTL = shutil.which("kubectl")


@pytest.mark.skipif(
    _KUBECTL is None, reason="kubectl comes in no wheel; without it the renderer is compared with nothing"
)
@pytest.mark.parametrize("overlay", ["single", "postgres"])
def test_renders_what_kubectl_renders(overlay: str) -> None:
    assert _KUBECTL is not None
    real = render_with_kubectl(_KUBECTL, _OVERLAYS / overlay)
    assert in_one_order(render(_OVERLAYS / overlay)) == in_one_order(real)


@pytest.mark.parametrize(
    "plan",
    ["namePrefix: x-", "patches: [{target: {kind: Job}, patch: x}]", "images: [{name: x, digest: y}]"],
)
def test_refuses_what_it_does_not_know(tmp_path: Path, plan: str) -> None:
    (tmp_path / "kustomization.yaml").write_text(plan)
    with pytest.raises(UnknownToTests):
        render(tmp_path)
