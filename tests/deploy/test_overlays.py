"""What tells the overlays apart: who migrates, who holds the database, and how a new release comes in."""

from tests.harness.deployments import deployed
from tests.harness.manifests import Cluster


def test_the_image_carries_the_version_of_the_project(cluster: Cluster, project_version: str) -> None:
    assert {container["image"] for container in cluster.containers} == {f"orders:{project_version}"}


def test_single_is_one_pod_that_goes_before_the_next_comes(single_overlay: Cluster) -> None:
    spec = single_overlay.the("Deployment")["spec"]
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})


def test_single_keeps_its_database_on_a_volume_of_one_node(single_overlay: Cluster) -> None:
    claim = single_overlay.the("PersistentVolumeClaim")
    assert claim["spec"]["accessModes"] == ["ReadWriteOnce"]
    (volume,) = (each for each in single_overlay.pod("orders").spec["volumes"] if "persistentVolumeClaim" in each)
    assert volume["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
    for container in single_overlay.containers:
        (path,) = (mount["mountPath"] for mount in container["volumeMounts"] if mount["name"] == volume["name"])
        assert single_overlay.settings(container)["ORDERS_DATABASE_URL"].startswith(f"sqlite:///{path}/")


def test_single_lets_the_pod_itself_write_to_the_volume(single_overlay: Cluster) -> None:
    context = single_overlay.pod("orders").spec["securityContext"]
    assert context["fsGroup"] == context["runAsGroup"]


def test_single_migrates_before_it_does_everything(single_overlay: Cluster) -> None:
    (pod,) = single_overlay.pods
    assert [container["args"] for container in pod.containers] == [["migrate"], ["serve"]]
    assert single_overlay.settings(pod.main)["ORDERS_ROLE"] == "all"


def test_a_fleet_takes_requests_and_carries_on_in_pods_of_their_own(fleet: Cluster) -> None:
    api, worker = fleet.pod("orders").main, fleet.pod("orders-worker").main
    assert (api["args"], fleet.settings(api)["ORDERS_ROLE"]) == (["serve"], "api")
    assert worker["args"] == ["work"]


def test_celery_adds_a_fleet_that_does_what_workers_do() -> None:
    celery, postgres = deployed("celery"), deployed("postgres")
    (added,) = {pod.workload for pod in celery.servers} - {pod.workload for pod in postgres.servers}
    pod = celery.pod(added)
    assert [*pod.main["command"], *pod.main["args"]] == ["celery", "-A", "orders_service.celery", "worker"]


def test_only_celery_has_a_broker_and_there_everybody_who_writes_runs_has_it() -> None:
    with_broker = {
        overlay: {
            pod.workload
            for pod in deployed(overlay).pods
            if "ORDERS_CELERY_BROKER_URL" in deployed(overlay).secrets(pod.main)
        }
        for overlay in ("single", "postgres", "celery")
    }
    fleet = {pod.workload for pod in deployed("celery").servers}
    assert with_broker == {"single": set(), "postgres": set(), "celery": fleet}


def test_a_fleet_replaces_its_pods_one_after_the_other(fleet: Cluster) -> None:
    for deployment in fleet.every("Deployment"):
        wanted = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
        assert deployment["spec"]["strategy"] == wanted


def test_a_fleet_migrates_in_a_job_named_after_the_release(fleet: Cluster, project_version: str) -> None:
    job = fleet.the("Job")
    assert job["metadata"]["name"] == f"orders-migrate-{project_version}"
    assert [container["args"] for container in fleet.pod(job["metadata"]["name"]).containers] == [["migrate"]]


def test_the_pods_of_a_fleet_wait_for_the_migration_and_never_migrate(fleet: Cluster) -> None:
    for pod in fleet.servers:
        assert [container["args"] for container in pod.spec["initContainers"]] == [["wait"]]
        assert fleet.secrets(pod.spec["initContainers"][0])["ORDERS_DATABASE_URL"] == ("orders-database", "url")


def test_only_a_migration_has_the_rights_of_the_owner(fleet: Cluster) -> None:
    for pod in fleet.pods:
        key = "owner-url" if "migrate" in pod.workload else "url"
        assert fleet.secrets(pod.main)["ORDERS_DATABASE_URL"] == ("orders-database", key)
