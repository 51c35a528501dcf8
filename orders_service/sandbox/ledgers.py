"""The memory of a stand-in: a file of JSON lines, which survives the death of a process at any moment.

The processes of one machine share it: each reads what the others have added.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class Ledger:
    """One process's view of the file."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        self._path = path
        self._read_to = 0

    def news(self) -> list[dict[str, Any]]:
        """What was written whole since the last look, by whomever."""
        with self._path.open("rb") as file:
            file.seek(self._read_to)
            written = file.read()
        whole = written[: written.rfind(b"\n") + 1]
        self._read_to += len(whole)
        return [json.loads(line) for line in whole.splitlines()]

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody else appends meanwhile."""
        with self._path.open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def append(self, entry: dict[str, Any]) -> None:
        """It is in the file when this returns. For whoever is alone and has read the news."""
        line = json.dumps(entry).encode() + b"\n"
        with self._path.open("ab", buffering=0) as file:
            if file.seek(0, os.SEEK_END) > self._read_to:  # half a line, of a process that died: nobody was told of it
                file.truncate(self._read_to)
            file.write(line)
        self._read_to += len(line)
