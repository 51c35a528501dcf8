"""Reads a compose file as far as tests need it: its services, with the variables of an environment filled in."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

# ${NAME:?why it must be set} or ${NAME:-what it is otherwise}
_VARIABLE = re.compile(r"\$\{(?P<name>\w+):(?P<kind>[?-])(?P<rest>[^}]*)\}")


class NotSet(Exception):
    """A variable must be set, and is not."""


@dataclass(frozen=True)
class Mount:
    """A file or folder of ours, or a volume, and where a container sees it."""

    source: str
    target: str
    is_read_only: bool

    @property
    def is_ours(self) -> bool:
        return self.source.startswith("./")


@dataclass(frozen=True)
class Service:
    """One service, as it stands in the file."""

    name: str
    spec: dict[str, Any]

    @property
    def environment(self) -> dict[str, str]:
        return dict(self.spec.get("environment", {}))

    @property
    def mounts(self) -> Iterator[Mount]:
        for volume in self.spec.get("volumes", []):
            source, target, *mode = volume.split(":")
            yield Mount(source, target, is_read_only=mode == ["ro"])


def read_services(path: Path, variables: Mapping[str, str]) -> dict[str, Service]:
    """All services by name. Raises `NotSet` for a variable that the file insists on."""
    services = _filled(yaml.safe_load(path.read_text())["services"], variables)
    return {name: Service(name, spec) for name, spec in services.items()}


def variables_of(path: Path) -> dict[str, bool]:
    """The variables that the file asks for, and which of them it insists on."""
    return {found["name"]: found["kind"] == "?" for found in _VARIABLE.finditer(path.read_text())}


def _filled(node: Any, variables: Mapping[str, str]) -> Any:
    """Texts only, and after the YAML has been read: an empty value is an empty text."""
    if isinstance(node, dict):
        return {key: _filled(value, variables) for key, value in node.items()}
    if isinstance(node, list):
        return [_filled(member, variables) for member in node]
    if isinstance(node, str):
        return _VARIABLE.sub(lambda found: _value(found, variables), node)
    return node


def _value(found: re.Match[str], variables: Mapping[str, str]) -> str:
    if value := variables.get(found["name"]):
        return value
    if found["kind"] == "?":
        raise NotSet(found["name"])
    return found["rest"]
