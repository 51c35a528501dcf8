"""Rendered manifests as a cluster would see them: which pods there are, and which settings reach a container."""

from collections.abc import Iterator
from dataclasses import dataclass

from tests.harness.kustomize import Manifest


@dataclass(frozen=True)
class Pod:
    """The template of a pod, and what it is a template of."""

    workload: str
    labels: dict[str, str]
    annotations: dict[str, str]
    spec: Manifest

    @property
    def containers(self) -> list[Manifest]:
        return [*self.spec.get("initContainers", []), *self.spec["containers"]]

    @property
    def main(self) -> Manifest:
        """The container that the pod is for."""
        (container,) = self.spec["containers"]
        return dict(container)

    def is_selected_by(self, selector: Manifest) -> bool:
        """Whether a label selector of any kind but a Service's means this pod."""
        wanted = selector.get("matchLabels", {})
        among = selector.get("matchExpressions", [])
        assert all(each["operator"] == "In" for each in among), "the only one that tests know"
        return wanted.items() <= self.labels.items() and all(
            self.labels.get(each["key"]) in each["values"] for each in among
        )


@dataclass(frozen=True)
class Cluster:
    """Everything that one overlay brings into its namespace."""

    manifests: list[Manifest]

    def every(self, kind: str) -> list[Manifest]:
        return [manifest for manifest in self.manifests if manifest["kind"] == kind]

    def the(self, kind: str, name: str | None = None) -> Manifest:
        (manifest,) = (each for each in self.every(kind) if name in (None, each["metadata"]["name"]))
        return manifest

    def pod(self, workload: str) -> Pod:
        (pod,) = (pod for pod in self.pods if pod.workload == workload)
        return pod

    @property
    def servers(self) -> list[Pod]:
        """The pods that stay, each with a port for requests or probes."""
        return [_pod_of(manifest) for manifest in self.every("Deployment")]

    @property
    def pods(self) -> list[Pod]:
        return [*self.servers, *(_pod_of(manifest) for manifest in self.every("Job"))]

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
    return Pod(
        workload=manifest["metadata"]["name"],
        labels=template["metadata"]["labels"],
        annotations=template["metadata"].get("annotations", {}),
        spec=template["spec"],
    )
