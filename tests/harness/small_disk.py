"""A process whose files may not grow: it writes notes to a SQLite file until the system refuses, and says how it ended.

Run as a module with the file's name; each number on its output was committed before it was printed.
"""

import asyncio
import resource
import signal
import sys
from itertools import count
from pathlib import Path

from pipelines import JournalError, Process
from tests.builders.desk import adding

ROOM = 200_000  # bytes that its write-ahead log may still grow by


def leave_no_room(file: Path) -> None:
    """Have the system refuse what makes any file larger than this one may become."""
    room = file.stat().st_size + ROOM
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))


async def write_until_refused(path: str) -> None:
    """Print the number of each note that was acknowledged, then what the refused one and the process were told."""
    failed: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    process = Process(f"sqlite:///{path}", on_failure=failed.set_result)
    await process.start(sweeping=False)
    leave_no_room(Path(f"{path}-wal"))
    try:
        for number in count():
            print(await process.write(adding(number, "x" * 20)), flush=True)  # noqa: T201 - read by the test
    except JournalError as error:
        print(type(error).__name__, await failed, sep=": ", flush=True)  # noqa: T201 - read by the test
    await process.stop()


if __name__ == "__main__":
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # else the system would kill it before SQLite hears of it
    asyncio.run(write_until_refused(sys.argv[1]))
