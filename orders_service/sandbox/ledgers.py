"""The memory of a stand-in: a file of JSON lines, which survives the death of the process at any moment."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def opened(ledger: Path) -> Iterator[dict[str, Any]]:
    """What was written whole. Half a line at the end is something that nobody was told of: it is cut off."""
    ledger.parent.mkdir(parents=True, exist_ok=True)
    ledger.touch()
    written = ledger.read_bytes()
    whole = written[: written.rfind(b"\n") + 1]
    if whole != written:
        ledger.write_bytes(whole)
    for line in whole.splitlines():
        yield json.loads(line)


def append(ledger: Path, entry: dict[str, Any]) -> None:
    """It is in the file when this returns."""
    with ledger.open("ab", buffering=0) as file:
        file.write(json.dumps(entry).encode() + b"\n")
