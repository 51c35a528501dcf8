"""Rendered manifests as a cluster would see them: which pods there are, and which settings reach a container."""

from collections.abc import Iterator
from dataclasses import dataclass

from tests.harness.kustomize import Manifest


@dataclass(frozen=True)
class Pod:
    """The template of a pod."""

    labels: dict[str, str]
    annotations: dict[str, str]
    spec: Manifest

    @property
    def containers(self) -> list[Manifest]:
        return [*self.spec.get("initContainers", []), *self.spec["containers"]]

    def is_selected_by(self, labels: dict[str, str]) -> bool:
        return labels.items() <= self.labels.items()


@dataclass(frozen=True)
class Cluster:
    """Everything that one overlay brings into its namespace."""

    manifests: list[Manifest]

    def every(self, kind: str) -> list[Manifest]:
        return [manifest for manifest in self.manifests if manifest["kind"] == kind]

    def the(self, kind: str) -> Manifest:
        (manifest,) = self.every(kind)
        return manifest

    @property
    def service_pod(self) -> Pod:
        return _pod_of(self.the("Deployment"))

    @property
    def pods(self) -> list[Pod]:
        return [_pod_of(manifest) for kind in ("Deployment", "Job") for manifest in self.every(kind)]

    @property
    def containers(self) -> list[Manifest]:
        return [container for pod in self.pods for container in pod.containers]

    def settings(self, container: Manifest) -> dict[str, str]:
        """The environment of a container, less what comes from secrets."""
        return dict(self._plain_settings(container))

    def secrets(self, container: Manifest) -> dict[str, tuple[str, str]]:
        """Which settings come from which key of which secret, as far as the container names them one by one."""
        sources = {entry["name"]: entry.get("valueFrom", {}).get("secretKeyRef") for entry in container.get("env", [])}
        return {name: (source["name"], source["key"]) for name, source in sources.items() if source}

    def _plain_settings(self, container: Manifest) -> Iterator[tuple[str, str]]:
        maps = {manifest["metadata"]["name"]: manifest["data"] for manifest in self.every("ConfigMap")}
        for source in container.get("envFrom", []):
            if "configMapRef" in source:
                yield from maps[source["configMapRef"]["name"]].items()
        yield from ((entry["name"], entry["value"]) for entry in container.get("env", []) if "value" in entry)


def _pod_of(manifest: Manifest) -> Pod:
    template = manifest["spec"]["template"]
    labels, annotations = template["metadata"]["labels"], template["metadata"].get("annotations", {})
    return Pod(labels=labels, annotations=annotations, spec=template["spec"])
