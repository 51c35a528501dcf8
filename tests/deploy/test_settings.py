"""The settings and commands that the containers are given, against those the service has."""

import os
import sys
from asyncio.subprocess import DEVNULL, create_subprocess_exec
from pathlib import Path

import pytest

from orders_service.settings import PREFIX, SettingsError, load
from tests.harness.dockerfile import read_stages
from tests.harness.kustomize import Manifest
from tests.harness.manifests import Cluster

_EXAMPLE = Path("deploy/kubernetes/orders.env.example")
_COMMANDS = ("serve", "migrate")
_FILLED_IN = {
    "ORDERS_ADMIN_KEY": "0123456789abcdef0123456789abcdef",
    "ORDERS_FULFILLMENT_URL": "https://warehouse.example.com/orders",
    "ORDERS_FULFILLMENT_SECRET": "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
    "ORDERS_SMTP_URL": "smtps://orders:secret@mail.example.com:465",
    "ORDERS_SMTP_SENDER": "orders@example.com",
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The environment, with what the image sets and nothing else that is ours."""
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)
    for name, value in read_stages(Path("deploy/Dockerfile"))[-1].environment.items():
        if name.startswith(PREFIX):
            monkeypatch.setenv(name, value)
    return monkeypatch


def enter(environment: pytest.MonkeyPatch, cluster: Cluster, container: Manifest) -> None:
    """Sets what the manifests say; a database URL stands for the secret that holds one."""
    for name, value in cluster.settings(container).items():
        environment.setenv(name, value)
    for name in cluster.secrets(container):
        environment.setenv(name, "postgresql://orders:secret@db/orders")


def test_the_example_names_what_a_deployment_fills_in() -> None:
    lines = [line.removeprefix("#") for line in _EXAMPLE.read_text().splitlines()]
    assert [line.rstrip("=") for line in lines if line.startswith(PREFIX)] == list(_FILLED_IN)


def test_a_container_with_its_secrets_is_accepted(environment: pytest.MonkeyPatch, cluster: Cluster) -> None:
    for name, value in _FILLED_IN.items():
        environment.setenv(name, value)
    for container in cluster.containers:
        enter(environment, cluster, container)
        assert not load().is_development


def test_a_container_without_its_secrets_is_refused(environment: pytest.MonkeyPatch, cluster: Cluster) -> None:
    for container in cluster.containers:
        enter(environment, cluster, container)
        with pytest.raises(SettingsError, match="ORDERS_ADMIN_KEY"):
            load()


def test_secrets_come_from_where_the_readme_puts_them(cluster: Cluster) -> None:
    for container in cluster.containers:
        assert {"secretRef": {"name": "orders"}} in container["envFrom"]
    readme = Path("deploy/README.md").read_text()
    for secret, key in {source for container in cluster.containers for source in cluster.secrets(container).values()}:
        assert f"create secret generic {secret} " in readme
        assert f"--from-literal={key}=" in readme


def test_containers_run_the_image_with_a_known_command(cluster: Cluster) -> None:
    assert {tuple(container["args"]) for container in cluster.containers} == {(command,) for command in _COMMANDS}
    assert not any("command" in container for container in cluster.containers)


@pytest.mark.parametrize("command", _COMMANDS)
async def test_a_command_of_the_containers_exists(command: str) -> None:
    orders = Path(sys.executable).with_name("orders")
    process = await create_subprocess_exec(orders, command, "--help", stdout=DEVNULL)
    assert await process.wait() == 0
