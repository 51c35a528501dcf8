"""A real RabbitMQ for tests, where one is installed: a node of its own, with its own folder, ports and port mapper."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from tests.harness.processes import free_port

MISSING = "there is no rabbitmq-server on PATH: install the package rabbitmq-server to run the tests on it"
_START_SECONDS = 180.0  # seconds of computing, on a machine that has other things to do
_POLL_SECONDS = 0.05
_OF_DEBIAN = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")  # the one on PATH changes to the system's user and node


def rabbitmq_executable() -> str | None:
    on_path = shutil.which("rabbitmq-server")
    return str(_OF_DEBIAN) if on_path and _OF_DEBIAN.exists() else on_path


class RabbitmqServer:
    """It speaks with this machine only, and so does its port mapper, which is not the system's."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port, self._mapper_port, self._nodes_port = free_port(), free_port(), free_port()
        self._name = f"test-{uuid4().hex[:8]}@localhost"
        self._processes: list[subprocess.Popen[bytes]] = []
        (folder / "environment").touch()
        (folder / "plugins").write_text("[].")
        (folder / "rabbitmq.conf").write_text(f"listeners.tcp.default = 127.0.0.1:{self._port}\n")

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self._port}//"

    def start(self) -> None:
        """Return when it takes connections."""
        executable = rabbitmq_executable()
        assert executable, MISSING
        self._run(["epmd", "-address", "127.0.0.1", "-port", str(self._mapper_port)])
        node = self._run([executable, "-noinput"])
        deadline = time.monotonic() + _START_SECONDS
        while not self._is_listening():
            assert node.poll() is None, (self._folder / "log.txt").read_text()
            assert time.monotonic() < deadline, "RabbitMQ does not start"
            time.sleep(_POLL_SECONDS)

    def stop(self) -> None:
        """The node first, then its mapper. Harmless when they have ended already."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def _end(self, number: signal.Signals) -> None:
        while self._processes:
            process = self._processes.pop()
            os.killpg(process.pid, number)  # a group of its own: the virtual machine has helpers
            process.wait()

    def _run(self, command: Sequence[str]) -> "subprocess.Popen[bytes]":
        with (self._folder / "log.txt").open("ab") as log:
            process = subprocess.Popen(  # noqa: S603 - the command is our own
                command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._processes.append(process)
        return process

    @property
    def _environment(self) -> dict[str, str]:
        folder = self._folder
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),  # its cookie
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(self._mapper_port),
            "RABBITMQ_CONF_ENV_FILE": str(folder / "environment"),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_NODENAME": self._name,
            "RABBITMQ_DIST_PORT": str(self._nodes_port),
            "RABBITMQ_MNESIA_BASE": str(folder / "data"),
            "RABBITMQ_LOG_BASE": str(folder / "logs"),
            "RABBITMQ_PID_FILE": str(folder / "pid"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_ALLOW_INPUT": "1",  # then its shell script becomes the node, and our signals reach it
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 -kernel inet_dist_use_interface {127,0,0,1}",
        }

    def _is_listening(self) -> bool:
        with socket.socket() as connection:
            return connection.connect_ex(("127.0.0.1", self._port)) == 0


@contextmanager
def own_rabbitmq() -> Iterator[RabbitmqServer]:
    """Start a node that nobody else uses; it is gone afterwards. It takes some seconds."""
    with tempfile.TemporaryDirectory(prefix="rabbitmq-") as folder:
        server = RabbitmqServer(Path(folder))
        try:
            server.start()
            yield server
        finally:
            server.stop()
