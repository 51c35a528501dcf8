"""Where benchmarks run: on the disk under ./var, beside a PostgreSQL of their own with full durability."""

import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.harness.postgres import OwnPostgres, own_postgres


@contextmanager
def stage() -> Iterator[tuple[OwnPostgres, Path]]:
    """The server and a folder; nothing is left of them, after Ctrl-C and SIGTERM too."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends its servers too, as Ctrl-C does
    root = Path("var")
    root.mkdir(exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(prefix="bench-", dir=root.resolve()) as parent:
            place = Path(parent)
            with own_postgres({}, parent=place) as postgres:
                yield postgres, place
    except KeyboardInterrupt:
        sys.exit(130)
