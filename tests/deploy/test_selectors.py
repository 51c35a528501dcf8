"""Whatever selects pods means those of one workload, or all that it should; whatever names a manifest finds it."""

from collections.abc import Iterator

from orders_service.settings import Role
from tests.harness.kustomize import Manifest
from tests.harness.manifests import Cluster, Pod


def selected(cluster: Cluster, selector: Manifest) -> list[str]:
    return [pod.workload for pod in cluster.pods if pod.is_selected_by(selector)]


def test_a_deployment_means_its_own_pods_only(cluster: Cluster) -> None:
    for deployment in cluster.every("Deployment"):
        assert selected(cluster, deployment["spec"]["selector"]) == [deployment["metadata"]["name"]]


def test_a_pod_is_spread_among_its_own_kind(cluster: Cluster) -> None:
    for pod in cluster.servers:
        for constraint in pod.spec["topologySpreadConstraints"]:
            assert selected(cluster, constraint["labelSelector"]) == [pod.workload]


def test_the_service_means_the_pods_that_take_requests(cluster: Cluster) -> None:
    behind = selected(cluster, {"matchLabels": cluster.the("Service")["spec"]["selector"]})
    assert behind == ["orders"]
    assert cluster.settings(cluster.pod("orders").main)["ORDERS_ROLE"] != Role.WORKER


def test_each_kind_of_several_pods_has_a_budget_of_its_own(fleet: Cluster) -> None:
    budgets = [selected(fleet, budget["spec"]["selector"]) for budget in fleet.every("PodDisruptionBudget")]
    assert sorted(budgets) == sorted([pod.workload] for pod in fleet.servers)
    for budget in fleet.every("PodDisruptionBudget"):
        assert (budget["spec"]["maxUnavailable"], budget["spec"]["unhealthyPodEvictionPolicy"]) == (1, "AlwaysAllow")
        assert [budget["metadata"]["name"]] == selected(fleet, budget["spec"]["selector"])


def test_one_pod_alone_has_no_budget_that_would_hold_its_node(single_overlay: Cluster) -> None:
    assert single_overlay.every("PodDisruptionBudget") == []


def test_no_kind_has_two_manifests_of_one_name(cluster: Cluster) -> None:
    names = [(manifest["kind"], manifest["metadata"]["name"]) for manifest in cluster.manifests]
    assert len(names) == len(set(names))


def test_what_a_pod_refers_to_is_there(cluster: Cluster) -> None:
    there = {(manifest["kind"], manifest["metadata"]["name"]) for manifest in cluster.manifests}
    for pod in cluster.pods:
        assert set(_referred_to(pod)) <= there


def _referred_to(pod: Pod) -> Iterator[tuple[str, str]]:
    yield "ServiceAccount", pod.spec["serviceAccountName"]
    for volume in pod.spec["volumes"]:
        if "persistentVolumeClaim" in volume:
            yield "PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"]
    for container in pod.containers:
        for source in container["envFrom"]:
            if "configMapRef" in source:
                yield "ConfigMap", source["configMapRef"]["name"]
