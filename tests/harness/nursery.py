"""Forks processes of the service from one that has imported it: each saves the seconds of CPU that its imports take.

python nursery.py SOCKET; it ends with its standard input. Whoever connects sends what a process shall be as one line of
JSON, and is told its id, and in the end its status and the CPU it used.
"""

import gc
import importlib
import json
import os
import runpy
import selectors
import signal
import socket
import sys
from pathlib import Path
from typing import IO, Any

from orders_service.app import create_app
from orders_service.settings import Settings

WARM = ("orders_service.cli", "orders_service.serving", "celery.bin.celery")


class Nursery:
    """It has no thread: a fork would copy only the one that forks."""

    def __init__(self, path: str) -> None:
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(path)
        self._listener.listen()
        self._parents: dict[int, IO[str]] = {}
        self._ear, self._mouth = os.pipe()
        os.set_blocking(self._mouth, False)
        signal.set_wakeup_fd(self._mouth)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # a signal without a handler wakes nobody

    def attend(self) -> dict[str, Any] | None:
        """In the nursery, until the tests are over. In each child: what it shall be."""
        with selectors.DefaultSelector() as selector:
            for each in (self._listener, self._ear, sys.stdin):
                selector.register(each, selectors.EVENT_READ)
            while sys.stdin not in (news := {key.fileobj for key, _ in selector.select()}):
                if self._ear in news:
                    self._bury()
                if self._listener in news and (wanted := self._bear()) is not None:
                    return wanted
        return None

    def _bear(self) -> dict[str, Any] | None:
        parent = self._listener.accept()[0].makefile("rw")
        wanted: dict[str, Any] = json.loads(parent.readline())
        if child := os.fork():
            self._parents[child] = parent
            _tell(parent, child)
            return None
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for each in (parent, *self._parents.values()):
            each.close()
        return wanted

    def _bury(self) -> None:
        os.read(self._ear, 4096)
        while self._parents:
            child, status, usage = os.wait4(-1, os.WNOHANG)
            if not child:
                return
            with self._parents.pop(child) as parent:
                _tell(parent, status, usage.ru_utime + usage.ru_stime)

    def close(self) -> None:
        self._listener.close()
        os.close(self._ear)
        os.close(self._mouth)


def _tell(parent: IO[str], *words: float) -> None:
    parent.write(json.dumps(words) + "\n")
    parent.flush()


def become(wanted: dict[str, Any]) -> None:
    """What the shell that starts a program gives it."""
    os.setsid()
    for descriptor, path in enumerate((os.devnull, wanted["log"], wanted["log"])):
        opened = os.open(path, os.O_RDWR | os.O_APPEND)
        os.dup2(opened, descriptor)
        os.close(opened)
    os.chdir(wanted["folder"])
    os.environ.clear()
    os.environ.update(wanted["environment"])
    sys.argv = wanted["command"]


def warm_up(folder: Path) -> None:
    """Import it all, and read the signatures of all endpoints, which is done for the first application."""
    for module in WARM:
        importlib.import_module(module)
    create_app(Settings(data_dir=folder))


def main(path: str) -> None:
    warm_up(Path(path).parent)
    gc.collect()
    gc.freeze()  # what is shared is not touched, and so not copied
    nursery = Nursery(path)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    wanted = nursery.attend()
    nursery.close()
    if wanted is not None:
        become(wanted)
        runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main(sys.argv[1])
