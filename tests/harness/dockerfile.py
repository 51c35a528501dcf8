"""Reads a Dockerfile as far as tests need it: its stages, and the instructions of each."""

import json
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Stage:
    """One FROM and what follows it."""

    image: str
    name: str
    instructions: list[tuple[str, str]] = field(default_factory=list)

    def every(self, keyword: str) -> list[str]:
        return [rest for found, rest in self.instructions if found == keyword]

    def the(self, keyword: str) -> str:
        (rest,) = self.every(keyword)
        return rest

    def command(self, keyword: str) -> list[str]:
        """The words of an instruction in exec form, such as ENTRYPOINT ["orders"]."""
        rest = self.the(keyword)
        return [str(word) for word in json.loads(rest[rest.index("[") :])]

    @property
    def environment(self) -> dict[str, str]:
        """What an image has that was built without arguments."""
        defaults = self._pairs("ARG")
        return {name: defaults.get(value[2:-1], value) for name, value in self._pairs("ENV").items()}

    def _pairs(self, keyword: str) -> dict[str, str]:
        pairs = (pair.partition("=") for rest in self.every(keyword) for pair in rest.split())
        return {name: value for name, _, value in pairs}


def read_stages(path: Path) -> list[Stage]:
    """The stages in order."""
    stages: list[Stage] = []
    for line in _logical_lines(path.read_text()):
        keyword, _, rest = line.partition(" ")
        if keyword == "FROM":
            image, _, name = rest.partition(" AS ")
            stages.append(Stage(image, name))
        elif stages:
            stages[-1].instructions.append((keyword, rest.strip()))
    return stages


def _logical_lines(text: str) -> list[str]:
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return "\n".join(lines).replace("\\\n", " ").splitlines()
