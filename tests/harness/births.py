"""How processes that a test starts come into the world: executed, or forked by a nursery."""

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

_NURSERY = Path(__file__).with_name("nursery.py")
_OURS = (Path(sys.executable).parent, Path(__file__).parents[1] / "acceptance")


@dataclass(frozen=True)
class Wanted:
    """A process that shall be: its output is appended to the log, and a Ctrl-C for the tests is not one for it."""

    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    folder: Path | None = None


class Born(Protocol):
    """A process that somebody has to wait for, in a thread."""

    @property
    def pid(self) -> int: ...

    def wait(self) -> tuple[int, float]:
        """Its exit code, as subprocess has it, and the CPU seconds it used, with the children it waited for."""


class Executed:
    """Started as a shell does it."""

    def __init__(self, wanted: Wanted) -> None:
        with wanted.log.open("ab") as log:
            self._popen = subprocess.Popen(  # noqa: S603 - the command is the test's own
                wanted.command,
                env=dict(wanted.environment),
                cwd=wanted.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.pid = self._popen.pid

    def wait(self) -> tuple[int, float]:
        _, status, usage = os.wait4(self.pid, 0)
        code = os.waitstatus_to_exitcode(status)
        self._popen.returncode = code  # it has been waited for: subprocess must not wait again
        return code, usage.ru_utime + usage.ru_stime


class Forked:
    """Somebody else's child, who tells when it has ended."""

    def __init__(self, parent: IO[str]) -> None:
        self._parent = parent
        [self.pid] = json.loads(parent.readline())

    def wait(self) -> tuple[int, float]:
        with self._parent:
            status, cpu_seconds = json.loads(self._parent.readline())
        return os.waitstatus_to_exitcode(status), cpu_seconds


class Nursery:
    """Starts when it is warmed, or with the first process that is wanted of it."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="nursery-")
        self._path = str(Path(self._folder.name) / "socket")
        self._process: subprocess.Popen[str] | None = None

    def bear(self, wanted: Wanted) -> Forked | None:
        """A process that has imported our code already; none if it is to run another's."""
        script = _script(wanted)
        if script is None:
            return None
        self.warm_up()
        wanted.log.touch()
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(self._path)
            parent = connection.makefile("rw")
        said = {
            "command": script,
            "environment": dict(wanted.environment),
            "log": str(wanted.log.absolute()),
            "folder": str(wanted.folder or Path.cwd()),
        }
        parent.write(json.dumps(said) + "\n")
        parent.flush()
        return Forked(parent)

    def warm_up(self) -> None:
        """Return when it can bear: seconds after the first call."""
        if self._process is None:
            self._process = self._started()

    def close(self) -> None:
        if self._process is not None:
            self._process.communicate()
        self._folder.cleanup()

    def _started(self) -> "subprocess.Popen[str]":
        command = [sys.executable, "-P", str(_NURSERY), self._path]
        process = subprocess.Popen(  # noqa: S603 - our own file
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process


def _script(wanted: Wanted) -> list[str] | None:
    """The command without its interpreter, if it is a script of ours under our own interpreter."""
    interpreter, *rest = wanted.command
    words = rest if interpreter == sys.executable else [interpreter, *rest]
    is_ours = bool(words) and Path(words[0]).parent in _OURS
    is_plain = not any(name.startswith("PYTHON") for name in wanted.environment)
    return words if is_ours and is_plain else None


_nurseries: list[Nursery] = []


@contextmanager
def nursing() -> Iterator[None]:
    """Have processes forked, in this block: for tests, which start hundreds, and not for what measures a whole life."""
    nursery = Nursery()
    _nurseries.append(nursery)
    try:
        yield
    finally:
        _nurseries.remove(nursery)
        nursery.close()


def warm_up() -> None:
    """Before anything that must not wait is under way."""
    for nursery in _nurseries:
        nursery.warm_up()


def born(wanted: Wanted) -> Born:
    forked = _nurseries[-1].bear(wanted) if _nurseries else None
    return forked or Executed(wanted)
