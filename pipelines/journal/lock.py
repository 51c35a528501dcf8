"""One SQLite file has one process: an exclusive lock beside it, held for life and freed by the kernel at any death."""

import fcntl
import os
from pathlib import Path

from sqlalchemy import URL

from pipelines.errors import AlreadyServed


class FileLock:
    """The lock is the lease: whoever gets it knows that every earlier owner is dead."""

    def __init__(self, database: Path) -> None:
        self._path = database.with_name(database.name + ".lock")
        self._file: int | None = None

    def acquire(self) -> None:
        """Take it, or say who has it."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(file, 32, 0).decode(errors="replace").strip()
            os.close(file)
            raise AlreadyServed(
                f"{self._path.with_suffix('')} is already served by process {holder or 'unknown'}: "
                "one SQLite file has one process. Stop that one, or use PostgreSQL for several."
            ) from None
        os.ftruncate(file, 0)
        os.pwrite(file, str(os.getpid()).encode(), 0)
        self._file = file

    def release(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


def lock_of(url: URL) -> FileLock | None:
    """The lock of a SQLite file; PostgreSQL needs none, and a database in memory has nobody to share it with."""
    in_file = url.get_backend_name() == "sqlite" and url.database not in {None, "", ":memory:"}
    return FileLock(Path(str(url.database)).resolve()) if in_file else None
