"""What every pod promises the cluster: restricted security, a patient end, no surprises from the outside."""

import pytest

from orders_service.app import create_app
from orders_service.route_names import RouteNames
from orders_service.serving import REQUEST_GRACE_SECONDS
from orders_service.settings import Role, Settings
from pipelines.fastapi.lifespan import DRAIN_GRACE
from tests.harness.kustomize import Manifest
from tests.harness.manifests import Cluster, Pod

_TO_SPARE = 5
_WRITABLE = {"/tmp", "/data"}  # noqa: S108 - mount points


def test_a_pod_meets_the_restricted_profile(cluster: Cluster) -> None:
    for pod in cluster.pods:
        context = pod.spec["securityContext"]
        assert context["runAsNonRoot"] is True
        assert context["runAsUser"] > 0
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
        assert {"hostNetwork", "hostPID", "hostIPC"}.isdisjoint(pod.spec)
        assert all("emptyDir" in volume or "persistentVolumeClaim" in volume for volume in pod.spec["volumes"])


def test_a_container_meets_the_restricted_profile(cluster: Cluster) -> None:
    for container in cluster.containers:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


def test_a_container_says_what_it_needs_and_when_it_is_too_much(cluster: Cluster) -> None:
    for container in cluster.containers:
        assert {"cpu", "memory"} <= container["resources"]["requests"].keys()
        assert "memory" in container["resources"]["limits"]
        assert "cpu" not in container["resources"]["limits"]


def test_only_the_volumes_can_be_written(cluster: Cluster) -> None:
    for pod in cluster.pods:
        volumes = {volume["name"] for volume in pod.spec["volumes"]}
        for container in pod.containers:
            mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
            assert "/tmp" in mounts  # noqa: S108 - a mount point
            assert mounts.keys() <= _WRITABLE
            assert volumes.issuperset(mounts.values())
            assert cluster.settings(container)["ORDERS_DATA_DIR"] in mounts


def test_a_pod_gets_no_token_and_no_service_links(cluster: Cluster) -> None:
    account = cluster.the("ServiceAccount")
    assert account["automountServiceAccountToken"] is False
    for pod in cluster.pods:
        assert pod.spec["serviceAccountName"] == account["metadata"]["name"]
        assert pod.spec["automountServiceAccountToken"] is False
        assert pod.spec["enableServiceLinks"] is False


def test_the_grace_is_longer_than_pre_stop_and_drain(cluster: Cluster) -> None:
    drain = REQUEST_GRACE_SECONDS + DRAIN_GRACE.total_seconds()
    for pod in cluster.servers:
        pause = pod.main.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        assert pod.spec["terminationGracePeriodSeconds"] >= pause + drain + _TO_SPARE


def test_who_is_behind_the_service_waits_until_all_know_that_it_goes(cluster: Cluster) -> None:
    for pod in cluster.servers:
        is_behind_it = cluster.the("Service")["spec"]["selector"].items() <= pod.labels.items()
        assert is_behind_it == ("lifecycle" in pod.main)


@pytest.mark.parametrize(
    ("probe", "path"),
    [("startupProbe", "/livez"), ("livenessProbe", "/livez"), ("readinessProbe", "/readyz")],
)
def test_a_probe_asks_the_port_of_the_service(cluster: Cluster, probe: str, path: str) -> None:
    for pod in cluster.servers:
        assert pod.main[probe]["httpGet"] == {"path": path, "port": "http"}


@pytest.mark.parametrize("role", Role)
def test_what_is_probed_and_scraped_is_there_in_every_role(cluster: Cluster, role: Role) -> None:
    app = create_app(Settings(role=role))
    served = {route.template for route in RouteNames(app.router.routes) if route.method == "GET"}
    for pod in cluster.servers:
        assert {container_probe["httpGet"]["path"] for container_probe in _probes(pod)} <= served
        assert pod.annotations["prometheus.io/path"] in served


def test_one_port_runs_from_the_setting_to_the_service(cluster: Cluster) -> None:
    (port,) = cluster.the("Service")["spec"]["ports"]
    for pod in cluster.servers:
        ports = {port["name"]: str(port["containerPort"]) for port in pod.main["ports"]}
        assert ports[port["targetPort"]] == cluster.settings(pod.main)["ORDERS_PORT"]
        assert pod.annotations["prometheus.io/port"] == ports["http"]


def test_a_pod_is_reachable_from_other_pods(cluster: Cluster) -> None:
    for pod in cluster.servers:
        assert cluster.settings(pod.main)["ORDERS_HOST"] == "0.0.0.0"  # noqa: S104 - the network policy guards it


def test_pods_of_different_workloads_differ_in_what_is_theirs_only(fleet: Cluster) -> None:
    """Each is written down whole, so that it can be read alone; what is meant for all must be in all."""
    first, *others = [_without_its_own(pod) for pod in fleet.servers]
    assert all(other == first for other in others)


def _probes(pod: Pod) -> list[Manifest]:
    return [pod.main[name] for name in ("startupProbe", "livenessProbe", "readinessProbe")]


def _without_its_own(pod: Pod) -> Manifest:
    its_own = {"command", "args", "env", "lifecycle", "resources"}
    spread = [dict(each) for each in pod.spec["topologySpreadConstraints"]]
    for each in spread:
        assert pod.is_selected_by(each.pop("labelSelector"))
    main = {key: value for key, value in pod.main.items() if key not in its_own}
    return pod.spec | {"containers": [main], "topologySpreadConstraints": spread, "annotations": pod.annotations}
