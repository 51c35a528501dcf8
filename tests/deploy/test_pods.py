"""What every pod promises the cluster: restricted security, a patient end, no surprises from the outside."""

import pytest

from tests.harness.kustomize import Manifest
from tests.harness.manifests import Cluster

_DRAIN_SECONDS = 20 + 25  # requests, then running steps
_SELECTING = ("Deployment", "PodDisruptionBudget")
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
    spec = cluster.service_pod.spec
    (container,) = spec["containers"]
    pause = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert spec["terminationGracePeriodSeconds"] >= pause + _DRAIN_SECONDS + 5


@pytest.mark.parametrize(
    ("probe", "path"),
    [("startupProbe", "/livez"), ("livenessProbe", "/livez"), ("readinessProbe", "/readyz")],
)
def test_a_probe_asks_the_port_of_the_service(cluster: Cluster, probe: str, path: str) -> None:
    (container,) = cluster.service_pod.spec["containers"]
    assert container[probe]["httpGet"] == {"path": path, "port": "http"}


def test_one_port_runs_from_the_setting_to_the_service(cluster: Cluster) -> None:
    pod, (port,) = cluster.service_pod, cluster.the("Service")["spec"]["ports"]
    (container,) = pod.spec["containers"]
    ports = {port["name"]: str(port["containerPort"]) for port in container["ports"]}
    assert ports[port["targetPort"]] == cluster.settings(container)["ORDERS_PORT"]
    assert pod.annotations["prometheus.io/port"] == ports["http"]


def test_the_service_is_reachable_from_other_pods(cluster: Cluster) -> None:
    (container,) = cluster.service_pod.spec["containers"]
    assert cluster.settings(container)["ORDERS_HOST"] == "0.0.0.0"  # noqa: S104 - the network policy guards it
    (rule,) = cluster.the("NetworkPolicy")["spec"]["ingress"]
    assert rule["ports"] == [{"port": "http"}]


def selectors(cluster: Cluster) -> list[Manifest]:
    """Of everything that must mean the pods of the service, and not those of a migration."""
    spread = cluster.service_pod.spec["topologySpreadConstraints"]
    matchers = [manifest["spec"]["selector"] for kind in _SELECTING for manifest in cluster.every(kind)]
    matchers += [constraint["labelSelector"] for constraint in spread]
    return [cluster.the("Service")["spec"]["selector"], *(matcher["matchLabels"] for matcher in matchers)]


def test_a_selector_means_the_pods_of_the_service_only(cluster: Cluster) -> None:
    for selector in selectors(cluster):
        assert [pod for pod in cluster.pods if pod.is_selected_by(selector)] == [cluster.service_pod]


def test_the_network_is_restricted_for_every_pod(cluster: Cluster) -> None:
    policy = cluster.the("NetworkPolicy")["spec"]
    assert set(policy["policyTypes"]) == {"Ingress", "Egress"}
    assert all(pod.is_selected_by(policy["podSelector"]["matchLabels"]) for pod in cluster.pods)


def test_the_metadata_service_of_a_cloud_is_out_of_reach(cluster: Cluster) -> None:
    rules = cluster.the("NetworkPolicy")["spec"]["egress"]
    blocks = [peer["ipBlock"] for rule in rules for peer in rule.get("to", [])]
    assert {"169.254.0.0/16"} == {gap for block in blocks if block["cidr"] == "0.0.0.0/0" for gap in block["except"]}
    assert "80" not in {str(port["port"]) for rule in rules for port in rule["ports"]}
