"""The component that has Prometheus Operator scrape the pods."""

import pytest

from tests.harness.deployments import ADDITIONS, deployed
from tests.harness.manifests import Cluster


@pytest.fixture(params=[overlay for overlay, choices in ADDITIONS.items() if any("monitoring" in c for c in choices)])
def monitored(request: pytest.FixtureRequest) -> Cluster:
    return deployed(request.param, "monitoring")


def test_every_pod_that_stays_is_scraped_where_its_annotations_say(monitored: Cluster) -> None:
    monitor = monitored.the("PodMonitor")["spec"]
    (endpoint,) = monitor["podMetricsEndpoints"]
    for pod in monitored.servers:
        assert pod.is_selected_by(monitor["selector"])
        ports = {port["name"]: str(port["containerPort"]) for port in pod.main["ports"]}
        assert ports[endpoint["port"]] == pod.annotations["prometheus.io/port"]
        assert endpoint["path"] == pod.annotations["prometheus.io/path"]


def test_the_monitor_looks_into_the_namespace_of_the_pods(monitored: Cluster) -> None:
    monitor = monitored.the("PodMonitor")
    assert "namespaceSelector" not in monitor["spec"]
    assert {monitor["metadata"]["namespace"]} == {
        each["metadata"]["namespace"] for each in monitored.every("Deployment")
    }
