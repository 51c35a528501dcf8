"""One SQLite file has one process, and whoever holds it is named."""

import signal
import sys
from asyncio.subprocess import PIPE, create_subprocess_exec
from pathlib import Path

import pytest

from pipelines import AlreadyServed
from pipelines.journal import lock_of, parse_url
from pipelines.journal.lock import FileLock

HOLD = "import sys; from pipelines.journal.lock import *; FileLock(Path(sys.argv[1])).acquire(); print(1, flush=True)"


def lock_at(path: Path) -> FileLock:
    lock = lock_of(parse_url(f"sqlite:///{path}"))
    assert lock is not None
    return lock


async def test_a_file_is_refused_while_another_process_holds_it_and_free_as_soon_as_that_is_killed(
    tmp_path: Path,
) -> None:
    lock = lock_at(tmp_path / "orders.db")
    holder = await create_subprocess_exec(
        sys.executable, "-c", f"{HOLD}; sys.stdin.read()", str(tmp_path / "orders.db"), stdin=PIPE, stdout=PIPE
    )
    assert holder.stdout is not None
    await holder.stdout.readline()
    try:
        with pytest.raises(AlreadyServed, match=rf"orders\.db is already served by process {holder.pid}:"):
            lock.acquire()
    finally:
        holder.send_signal(signal.SIGKILL)
        await holder.wait()
    lock.acquire()
    lock.release()


def test_another_name_of_the_file_is_the_same_file(tmp_path: Path) -> None:
    (tmp_path / "orders.db").touch()
    (tmp_path / "alias.db").symlink_to(tmp_path / "orders.db")
    lock = lock_at(tmp_path / "orders.db")
    lock.acquire()
    with pytest.raises(AlreadyServed):
        lock_at(tmp_path / "alias.db").acquire()
    lock.release()


def test_a_file_that_was_let_go_can_be_taken_again(tmp_path: Path) -> None:
    first, second = lock_at(tmp_path / "orders.db"), lock_at(tmp_path / "orders.db")
    first.acquire()
    first.release()
    first.release()
    second.acquire()
    second.release()


@pytest.mark.parametrize("url", ["postgresql://localhost/orders", "sqlite://", "sqlite:///:memory:"])
def test_what_no_two_processes_can_share_wrongly_has_no_lock(url: str) -> None:
    assert lock_of(parse_url(url)) is None
