"""The settings and commands that the containers are given, against those the service has."""

import os
import re
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

import pytest
from typer.main import get_command

from orders_service.cli import cli
from orders_service.settings import PREFIX, SettingsError, load
from tests.harness.deployments import DEPLOYMENTS, deployed
from tests.harness.dockerfile import read_stages
from tests.harness.kustomize import Manifest
from tests.harness.manifests import Cluster

_EXAMPLE = Path("deploy/kubernetes/orders.env.example")
_FILLED_IN = {
    "ORDERS_ADMIN_KEY": "0123456789abcdef0123456789abcdef",
    "ORDERS_FULFILLMENT_URL": "https://warehouse.example.com/orders",
    "ORDERS_FULFILLMENT_SECRET": "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
    "ORDERS_SMTP_URL": "smtps://orders:secret@mail.example.com:465",
    "ORDERS_SMTP_SENDER": "orders@example.com",
}
_OF_A_SECRET = {
    "ORDERS_DATABASE_URL": "postgresql://orders:secret@db/orders",
    "ORDERS_CELERY_BROKER_URL": "rediss://:secret@broker:6379/0",
}
_IMAGE = read_stages(Path("deploy/Dockerfile"))[-1]


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """One without any setting of ours."""
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)
    return monkeypatch


def settings_of(cluster: Cluster, container: Manifest) -> dict[str, str]:
    """What image and manifests set; a value that would do stands for one of a secret that is named."""
    secrets = {name: _OF_A_SECRET[name] for name in cluster.secrets(container)}
    of_the_image = {name: value for name, value in _IMAGE.environment.items() if name.startswith(PREFIX)}
    return of_the_image | cluster.settings(container) | secrets


def enter(environment: pytest.MonkeyPatch, settings: dict[str, str]) -> None:
    for name, value in settings.items():
        environment.setenv(name, value)


def commands() -> set[tuple[str, ...]]:
    """All that containers are started with, in all overlays."""
    containers = [container for overlay, added in DEPLOYMENTS for container in deployed(overlay, *added).containers]
    return {(*each.get("command", _IMAGE.command("ENTRYPOINT")), *each["args"]) for each in containers}


def test_the_example_names_what_a_deployment_fills_in() -> None:
    lines = [line.removeprefix("#") for line in _EXAMPLE.read_text().splitlines()]
    assert [line.rstrip("=") for line in lines if line.startswith(PREFIX)] == list(_FILLED_IN)


def test_a_container_with_its_secrets_is_accepted(environment: pytest.MonkeyPatch, cluster: Cluster) -> None:
    for container in cluster.containers:
        with environment.context() as own:
            enter(own, settings_of(cluster, container) | _FILLED_IN)
            assert not load().is_development


def test_a_container_without_its_secrets_is_refused(environment: pytest.MonkeyPatch, cluster: Cluster) -> None:
    for container in cluster.containers:
        with environment.context() as own:
            enter(own, settings_of(cluster, container))
            with pytest.raises(SettingsError, match="ORDERS_ADMIN_KEY"):
                load()


def test_secrets_come_from_where_the_readme_puts_them(cluster: Cluster) -> None:
    readme = Path("deploy/README.md").read_text()
    for container in cluster.containers:
        assert {"secretRef": {"name": "orders"}} in container["envFrom"]
    keys = {source for container in cluster.containers for source in cluster.secrets(container).values()}
    for authentication in cluster.every("TriggerAuthentication"):
        keys |= {(source["name"], source["key"]) for source in authentication["spec"]["secretTargetRef"]}
    for secret, key in keys:
        one_command = r"(?:[^\n]|(?<=\\)\n)*"
        assert re.search(rf"create secret generic {secret} {one_command}--from-literal={key}=", readme), (secret, key)


def test_the_commands_are_those_of_the_project_and_of_celery() -> None:
    assert commands() == {
        ("orders", "serve"),
        ("orders", "work"),
        ("orders", "wait"),
        ("orders", "migrate"),
        ("celery", "-A", "orders_service.celery", "worker"),
    }


def test_a_command_is_installed_with_the_service() -> None:
    scripts = {script.name for script in entry_points(group="console_scripts")}
    assert {command for command, *_ in commands()} <= scripts
    assert all(find_spec(words[2]) for words in commands() if words[0] == "celery")


def test_a_command_of_the_containers_exists() -> None:
    known = getattr(get_command(cli), "commands")  # noqa: B009 - a group's, which its type does not say
    assert {words[1] for words in commands() if words[0] == "orders"} <= known.keys()
