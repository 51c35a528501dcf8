"""The server of the demonstration: a process of its own, which can be killed and started again."""

import os
import queue
import re
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Self

from orders_service.mendable import Mendable

START_SECONDS = 60.0
_COMMAND = (sys.executable, "-c", "from orders_service.cli import main; main()", "serve", "--prepare")
_ADDRESS = re.compile(r"(http://\S+)/v1/orders")


class Server:
    """`orders serve`, on SQLite in a folder and on any free port. What is left of it at the end is killed."""

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        ours = {"ORDERS_PORT": "0", "ORDERS_LOG_FORMAT": "json", **settings}
        others = {name: value for name, value in os.environ.items() if not name.upper().startswith("ORDERS_")}
        self._folder, self._environment = folder, others | ours
        self._said: deque[str] = deque(maxlen=20)
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> str:
        """Start it; gives its URL, where it can be asked at once. Raises `Mendable` with what it said instead."""
        self._process = process = subprocess.Popen(  # noqa: S603 - our own command
            _COMMAND,
            env=self._environment,
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,  # a Ctrl-C is for the story, which then ends this
        )
        addresses: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        threading.Thread(target=self._listen, args=[process.stdout, addresses], daemon=True).start()
        try:
            address = addresses.get(timeout=START_SECONDS)
        except queue.Empty:
            address = None
        if address is None:
            raise Mendable("\n".join(["The server did not start:", *self._said]))
        return address

    @property
    def pid(self) -> int:
        return self._process.pid if self._process is not None else 0

    def kill(self) -> None:
        """SIGKILL: no handler runs, nothing is flushed. Harmless when it has ended already."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _listen(self, said: IO[str], addresses: "queue.SimpleQueue[str | None]") -> None:
        """Also when nobody asks any more: a pipe that is full would stop the server."""
        with said:
            for line in said:
                self._said.append(line.rstrip())
                if found := _ADDRESS.search(line):
                    addresses.put(found[1])
        addresses.put(None)
