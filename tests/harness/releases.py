"""The release before ours: its code lies in the repository, so that both can work on one database in a test."""

import sys
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ARCHIVES = Path(__file__).parents[1] / "golden" / "releases"
_RUN = "from orders_service.cli import main; main()"


@dataclass(frozen=True)
class Release:
    """Its code in a folder, run by our interpreter with our dependencies."""

    version: str
    folder: Path

    @property
    def environment(self) -> Mapping[str, str]:
        """Its code comes before ours, also where a test is started from our folder."""
        return {"PYTHONPATH": str(self.folder), "PYTHONSAFEPATH": "1"}

    def command(self, *arguments: str) -> Sequence[str]:
        """`orders` of that release."""
        return [sys.executable, "-c", _RUN, *arguments]

    def asked(self, code: str) -> Sequence[str]:
        """Some Python that imports from it."""
        return [sys.executable, "-c", code]


def archive_before() -> Path:
    """There is one, since two releases share a database and never three."""
    [archive] = ARCHIVES.glob("*.tar.xz")
    return archive


def release_before(folder: Path) -> Release:
    """Unpacked into a folder."""
    archive = archive_before()
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    return Release(archive.name.removesuffix(".tar.xz"), folder)
