"""The network policies: nothing is open but what a pod's own settings and work make it call."""

from tests.harness.kustomize import Manifest
from tests.harness.manifests import Cluster, Pod

_DNS = {53}
_OF_A_SECRET = {
    "ORDERS_DATABASE_URL": {5432},
    "ORDERS_CELERY_BROKER_URL": {6379, 5671, 5672},  # redis and rediss, amqps, amqp
}
_WORLD = {443, 465, 587}  # of steps: HTTPS, and mail in both ways
_CARRIES_NOTHING_ON = {"wait", "migrate"}


def policies(cluster: Cluster, pod: Pod, way: str) -> list[Manifest]:
    found = [policy["spec"] for policy in cluster.every("NetworkPolicy")]
    return [each for each in found if pod.is_selected_by(each["podSelector"]) and way in each["policyTypes"]]


def rules(cluster: Cluster, pod: Pod, way: str) -> list[Manifest]:
    return [rule for policy in policies(cluster, pod, way) for rule in policy.get(way.lower(), [])]


def reach(cluster: Cluster, pod: Pod) -> set[int]:
    return {port["port"] for rule in rules(cluster, pod, "Egress") for port in rule["ports"]}


def carries_runs(cluster: Cluster, pod: Pod) -> bool:
    if pod.main["args"] == ["serve"]:
        return cluster.settings(pod.main)["ORDERS_ROLE"] != "api"
    return _CARRIES_NOTHING_ON.isdisjoint(pod.main["args"])


def test_nothing_is_let_in_or_out_unless_it_is_listed(cluster: Cluster) -> None:
    deny = cluster.the("NetworkPolicy", "orders-deny")["spec"]
    assert deny.keys() == {"podSelector", "policyTypes"}
    assert set(deny["policyTypes"]) == {"Ingress", "Egress"}
    assert all(pod.is_selected_by(deny["podSelector"]) for pod in cluster.pods)


def test_a_policy_says_for_which_way_it_is(cluster: Cluster) -> None:
    for policy in cluster.every("NetworkPolicy"):
        ways = {way for way in ("Ingress", "Egress") if way.lower() in policy["spec"]}
        assert ways in ({*policy["spec"]["policyTypes"]}, set())


def test_a_policy_is_for_somebody(cluster: Cluster) -> None:
    for policy in cluster.every("NetworkPolicy"):
        assert any(pod.is_selected_by(policy["spec"]["podSelector"]) for pod in cluster.pods)


def test_requests_probes_and_scrapes_come_in_by_one_port(cluster: Cluster) -> None:
    for pod in cluster.servers:
        (rule,) = rules(cluster, pod, "Ingress")
        assert rule["ports"] == [{"port": "http"}]
        assert "http" in {port["name"] for port in pod.main["ports"]}


def test_a_pod_reaches_what_its_settings_name_and_its_steps_call(fleet: Cluster) -> None:
    for pod in fleet.pods:
        named = {name for container in pod.containers for name in fleet.secrets(container)}
        wanted = _DNS.union(*(_OF_A_SECRET[name] for name in named))
        assert reach(fleet, pod) == wanted | (_WORLD if carries_runs(fleet, pod) else set()), pod.workload


def test_one_pod_alone_reaches_what_steps_call(single_overlay: Cluster) -> None:
    (pod,) = single_overlay.pods
    assert carries_runs(single_overlay, pod)
    assert reach(single_overlay, pod) >= _DNS | _WORLD


def test_the_metadata_service_of_a_cloud_is_out_of_reach(cluster: Cluster) -> None:
    out = [rule for policy in cluster.every("NetworkPolicy") for rule in policy["spec"].get("egress", [])]
    blocks = [peer["ipBlock"] for rule in out for peer in rule.get("to", [])]
    assert {"169.254.0.0/16"} == {gap for block in blocks if block["cidr"] == "0.0.0.0/0" for gap in block["except"]}
    assert all("to" in rule or {port["port"] for port in rule["ports"]} == _DNS for rule in out)
