"""Where databases of tests lie: in memory, if there is enough. Processes are killed there, and no plug is pulled."""

import shutil
from functools import cache
from pathlib import Path

from pipelines.testing.rehearsal import IN_MEMORY

_ENOUGH_BYTES = 2 * 1024**3


@cache
def quickest_folder() -> Path | None:
    """None: wherever temporary files are. A file system on a disk takes longer to make a database than most tests."""
    return IN_MEMORY if IN_MEMORY.is_dir() and shutil.disk_usage(IN_MEMORY).free > _ENOUGH_BYTES else None
