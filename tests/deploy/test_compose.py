"""compose.yaml, as far as it can be judged without a Docker engine."""

import os
import re
import shutil
import subprocess
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml
from typer.main import get_command

from orders_service.cli import cli
from orders_service.serving import REQUEST_GRACE_SECONDS
from orders_service.settings import PREFIX, load
from pipelines.fastapi.lifespan import DRAIN_GRACE
from tests.harness.compose import NotSet, Service, read_services, variables_of
from tests.harness.dockerfile import read_stages
from tests.harness.kustomize import Manifest

_FILE = Path("compose.yaml")
_EXAMPLE = Path("deploy/compose/env.example")
_PROMETHEUS: Manifest = yaml.safe_load(Path("deploy/compose/prometheus.yaml").read_text())
_IMAGE = read_stages(Path("deploy/Dockerfile"))[-1]
_FILLED_IN = {
    "ORDERS_ADMIN_KEY": "0123456789abcdef0123456789abcdef",
    "POSTGRES_PASSWORD": "secret",
    "GRAFANA_PASSWORD": "secret",
    "ORDERS_FULFILLMENT_URL": "https://warehouse.example.com/orders",
    "ORDERS_FULFILLMENT_SECRET": "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
    "ORDERS_SMTP_URL": "smtps://orders:secret@mail.example.com:465",
    "ORDERS_SMTP_SENDER": "orders@example.com",
}
SERVICES = read_services(_FILE, _FILLED_IN)
_OURS = [service for service in SERVICES.values() if service.spec["image"].startswith("orders:")]
_THAT_STAY = [service for service in _OURS if service.name != "migrate"]
_OTHERS = [service for service in SERVICES.values() if service not in _OURS]


def name(service: Service) -> str:
    return service.name


def command(service: Service) -> list[str]:
    return [*service.spec.get("entrypoint", _IMAGE.command("ENTRYPOINT")), *service.spec["command"]]


def address(url: str) -> tuple[str, str]:
    """Host and port of a URL."""
    found = re.fullmatch(r"\w+://(?:[^@]*@)?(\w+):(\d+)(?:/.*)?", url)
    assert found is not None, url
    return found[1], found[2]


def test_there_is_all_of_it() -> None:
    wanted = {"postgres", "redis", "migrate", "api", "worker", "celery", "prometheus", "grafana"}
    assert SERVICES.keys() == wanted
    assert SERVICES["worker"].spec["deploy"] == {"replicas": 2}


@pytest.mark.parametrize("variable", _FILLED_IN)
def test_nothing_starts_without_its_secrets(variable: str) -> None:
    with pytest.raises(NotSet, match=variable):
        read_services(_FILE, _FILLED_IN | {variable: ""})


def test_the_example_names_what_is_asked_for_and_sets_nothing() -> None:
    lines = _EXAMPLE.read_text().splitlines()
    named = [line.removeprefix("#").rstrip("=") for line in lines if re.fullmatch(r"#[A-Z_]+=", line)]
    asked_for = variables_of(_FILE)
    assert set(named) == asked_for.keys()
    assert named[: len(_FILLED_IN)] == list(_FILLED_IN)
    assert {each for each in asked_for if asked_for[each]} == _FILLED_IN.keys()
    assert all(line.startswith("#") for line in lines)


@pytest.mark.parametrize("service", _OURS, ids=name)
def test_its_environment_is_settings_that_the_service_takes(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    for each in [each for each in os.environ if each.startswith(PREFIX)]:
        monkeypatch.delenv(each)
    for each, value in (_IMAGE.environment | service.environment).items():
        if each.startswith(PREFIX):
            monkeypatch.setenv(each, value)
    settings = load()
    assert not settings.is_development
    assert settings.celery_broker_url is not None
    assert settings.role == ("api" if service.name == "api" else "all")


def test_commands_exist() -> None:
    scripts = {script.name for script in entry_points(group="console_scripts")}
    commands = {service.name: command(service) for service in _OURS}
    assert commands == {
        "migrate": ["orders", "migrate"],
        "api": ["orders", "serve"],
        "worker": ["orders", "work"],
        "celery": ["celery", "-A", "orders_service.celery", "worker"],
    }
    assert {words[0] for words in commands.values()} <= scripts
    assert find_spec(commands["celery"][2]) is not None
    known = getattr(get_command(cli), "commands")  # noqa: B009 - a group's, which its type does not say
    assert {words[1] for words in commands.values() if words[0] == "orders"} <= known.keys()


def test_images_are_pinned_and_ours_is_this_release(project_version: str) -> None:
    assert {service.spec["image"] for service in _OURS} == {f"orders:{project_version}"}
    for service in _OTHERS:
        assert re.search(r":v?\d+\.\d+(\.\d+)?(-\w+)?$", service.spec["image"]), service.name


@pytest.mark.parametrize("service", _OURS, ids=name)
def test_ours_is_built_from_the_dockerfile(service: Service) -> None:
    assert Path(service.spec["build"]["dockerfile"]).is_file()
    assert service.spec["build"]["context"] == "."


@pytest.mark.parametrize("service", SERVICES.values(), ids=name)
def test_a_container_may_change_nothing_but_its_volumes(service: Service) -> None:
    spec = service.spec
    assert (spec["read_only"], spec["cap_drop"]) == (True, ["ALL"])
    assert spec["security_opt"] == ["no-new-privileges:true"]
    assert all(mount.is_read_only for mount in service.mounts if mount.is_ours)


@pytest.mark.parametrize("service", SERVICES.values(), ids=name)
def test_what_is_mounted_exists(service: Service) -> None:
    volumes = yaml.safe_load(_FILE.read_text())["volumes"]
    for mount in service.mounts:
        assert Path(mount.source).exists() if mount.is_ours else mount.source in volumes, mount.source


@pytest.mark.parametrize("service", SERVICES.values(), ids=name)
def test_ports_are_published_on_this_machine_only(service: Service) -> None:
    assert all(re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port) for port in service.spec.get("ports", []))


def test_requests_go_to_the_port_of_the_image() -> None:
    assert SERVICES["api"].spec["ports"] == [f"127.0.0.1:8000:{_IMAGE.environment['ORDERS_PORT']}"]


@pytest.mark.parametrize("service", _THAT_STAY, ids=name)
def test_docker_waits_for_the_drain(service: Service) -> None:
    grace = int(service.spec["stop_grace_period"].removesuffix("s"))
    assert grace >= REQUEST_GRACE_SECONDS + DRAIN_GRACE.total_seconds() + 5


def test_everything_waits_for_the_migration_and_that_for_the_database() -> None:
    for service in _THAT_STAY:
        assert service.spec["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}
    assert SERVICES["migrate"].spec["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    assert SERVICES["migrate"].spec["restart"] == "no"


@pytest.mark.parametrize("service", SERVICES.values(), ids=name)
def test_what_stays_is_asked_how_it_is(service: Service) -> None:
    """Ours by the image's own check; see test_dockerfile.py."""
    if service.name == "migrate":
        assert service.spec["healthcheck"] == {"disable": True}
    elif service in _OURS:
        assert "healthcheck" not in service.spec
    else:
        assert service.spec["healthcheck"]["test"][0] == "CMD"


def test_database_and_broker_are_where_the_settings_say_and_nobody_else_gets_there() -> None:
    document = yaml.safe_load(_FILE.read_text())
    assert document["networks"] == {"data": {"internal": True}}
    for service in _OURS:
        assert address(service.environment["ORDERS_DATABASE_URL"]) == ("postgres", "5432")
        assert address(service.environment["ORDERS_CELERY_BROKER_URL"]) == ("redis", "6379")
        assert "data" in service.spec["networks"]
    for service in (SERVICES["postgres"], SERVICES["redis"]):
        assert service.spec["networks"] == ["data"]
        assert "ports" not in service.spec


def test_the_database_is_the_one_of_the_url() -> None:
    made = SERVICES["postgres"].environment
    url = SERVICES["api"].environment["ORDERS_DATABASE_URL"]
    assert url.startswith(f"postgresql://{made['POSTGRES_USER']}:{made['POSTGRES_PASSWORD']}@")
    assert url.endswith(f"/{made['POSTGRES_DB']}")


def test_prometheus_scrapes_each_process_and_loads_the_alerts() -> None:
    targets = {mount.target: mount.source for mount in SERVICES["prometheus"].mounts}
    (job,) = _PROMETHEUS["scrape_configs"]
    (names,) = job["dns_sd_configs"]
    assert set(names["names"]) == {service.name for service in _THAT_STAY}
    assert str(names["port"]) == _IMAGE.environment["ORDERS_PORT"]
    assert [targets[file] for file in _PROMETHEUS["rule_files"]] == ["./deploy/prometheus/rules.yaml"]
    assert targets["/etc/prometheus/prometheus.yml"] == "./deploy/compose/prometheus.yaml"


def test_promtool_takes_the_configuration_where_it_is_there(tmp_path: Path) -> None:
    """Elsewhere see above."""
    promtool = shutil.which("promtool")
    if promtool is not None:
        here = _PROMETHEUS | {"rule_files": [str(Path("deploy/prometheus/rules.yaml").resolve())]}
        (tmp_path / "prometheus.yaml").write_text(yaml.safe_dump(here))
        run = subprocess.run(  # noqa: S603 - our own file
            [promtool, "check", "config", tmp_path / "prometheus.yaml"], capture_output=True, text=True, check=False
        )
        assert run.returncode == 0, run.stdout + run.stderr


def test_grafana_finds_its_source_and_its_dashboard() -> None:
    (source,) = yaml.safe_load(Path("deploy/compose/grafana/datasources/prometheus.yaml").read_text())["datasources"]
    assert address(source["url"]) == ("prometheus", SERVICES["prometheus"].spec["ports"][0].rpartition(":")[2])
    (provider,) = yaml.safe_load(Path("deploy/compose/grafana/dashboards/orders.yaml").read_text())["providers"]
    targets = {mount.source: mount.target for mount in SERVICES["grafana"].mounts}
    assert Path(targets["./deploy/grafana/orders.json"]).parent == Path(provider["options"]["path"])
    assert targets["./deploy/compose/grafana"] == "/etc/grafana/provisioning"
