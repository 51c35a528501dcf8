"""What tells the overlays apart: who migrates, who holds the database, and how a new release comes in."""

import tomllib
from pathlib import Path

from tests.harness.manifests import Cluster


def project_version() -> str:
    return str(tomllib.loads(Path("pyproject.toml").read_text())["project"]["version"])


def test_the_image_carries_the_version_of_the_project(cluster: Cluster) -> None:
    assert {container["image"] for container in cluster.containers} == {f"orders:{project_version()}"}


def test_single_is_one_pod_that_goes_before_the_next_comes(single_overlay: Cluster) -> None:
    spec = single_overlay.the("Deployment")["spec"]
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})


def test_single_keeps_its_database_on_a_volume_of_one_node(single_overlay: Cluster) -> None:
    claim = single_overlay.the("PersistentVolumeClaim")
    assert claim["spec"]["accessModes"] == ["ReadWriteOnce"]
    (volume,) = (volume for volume in single_overlay.service_pod.spec["volumes"] if "persistentVolumeClaim" in volume)
    assert volume["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
    for container in single_overlay.containers:
        (path,) = (mount["mountPath"] for mount in container["volumeMounts"] if mount["name"] == volume["name"])
        assert single_overlay.settings(container)["ORDERS_DATABASE_URL"].startswith(f"sqlite:///{path}/")


def test_single_lets_the_pod_itself_write_to_the_volume(single_overlay: Cluster) -> None:
    context = single_overlay.service_pod.spec["securityContext"]
    assert context["fsGroup"] == context["runAsGroup"]


def test_single_migrates_before_it_serves(single_overlay: Cluster) -> None:
    assert [container["args"] for container in single_overlay.service_pod.containers] == [["migrate"], ["serve"]]
    assert single_overlay.every("Job") == []


def test_postgres_replaces_its_pods_one_after_the_other(postgres_overlay: Cluster) -> None:
    spec = postgres_overlay.the("Deployment")["spec"]
    assert spec["replicas"] == 2
    assert spec["strategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}


def test_postgres_gives_up_one_pod_at_a_time(postgres_overlay: Cluster) -> None:
    budget = postgres_overlay.the("PodDisruptionBudget")["spec"]
    assert (budget["maxUnavailable"], budget["unhealthyPodEvictionPolicy"]) == (1, "AlwaysAllow")


def test_postgres_migrates_in_a_job_named_after_the_release(postgres_overlay: Cluster) -> None:
    job = postgres_overlay.the("Job")
    assert job["metadata"]["name"] == f"orders-migrate-{project_version()}"
    assert [container["args"] for container in postgres_overlay.containers] == [["serve"], ["migrate"]]


def test_postgres_serves_without_the_rights_of_the_owner(postgres_overlay: Cluster) -> None:
    secrets = {container["name"]: postgres_overlay.secrets(container) for container in postgres_overlay.containers}
    assert secrets == {
        "orders": {"ORDERS_DATABASE_URL": ("orders-database", "url")},
        "migrate": {"ORDERS_DATABASE_URL": ("orders-database", "owner-url")},
    }
