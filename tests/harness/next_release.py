"""The schema of a release to come: whatever a migration may do while this release, and the one before, are at work."""

import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from orders_service import schema

ROOT = Path(__file__).parents[2]
REVISION = "later_2"
_RUN = """
import sys
from pathlib import Path
from orders_service import cli, schema
schema._PROJECT = Path(sys.argv.pop(1))
cli.main()
"""


@dataclass(frozen=True)
class NextRelease:
    """Its migrations: ours, and two more."""

    folder: Path

    def migrate(self, database_url: str) -> None:
        with patch.object(schema, "_PROJECT", self.folder):
            schema.migrate(database_url)

    def command(self, *arguments: str) -> Sequence[str]:
        """`orders` of that release."""
        return [sys.executable, "-c", _RUN, str(self.folder), *arguments]


def next_release(folder: Path) -> NextRelease:
    """Written into a folder."""
    shutil.copy(ROOT / "pyproject.toml", folder)
    shutil.copytree(ROOT / "migrations", folder / "migrations", ignore=shutil.ignore_patterns("__pycache__"))
    for planted in (Path(__file__).parent / "later").glob("*.py"):
        text = planted.read_text().replace('"HEAD"', f'"{schema.head()}"')
        (folder / "migrations" / "versions" / planted.name).write_text(text)
    return NextRelease(folder)
