"""What happened outside the system, one JSON line per event, on disk before the next thing happens."""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

Entry = Mapping[str, Any]


class Ledger:
    """An append-only file of events; a line that was written survives the death of whoever wrote it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("a", encoding="utf-8")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def write(self, **entry: object) -> None:
        self._file.write(json.dumps(entry) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())


def entries(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def events(ledger: Iterable[Entry], *kinds: str) -> list[Entry]:
    return [entry for entry in ledger if entry["event"] in kinds]


def digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
