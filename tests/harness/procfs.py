"""What the kernel knows about a process: CPU seconds and memory, read from /proc."""

import os
from pathlib import Path

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_PROC = Path("/proc")


def cpu_seconds(pid: int) -> float:
    """User and system time of a living process, without its children."""
    return sum(_ticks(pid)[:2]) / _TICKS_PER_SECOND


def family_cpu_seconds(pid: int) -> float:
    """The same with its children, the ended and reaped ones included: what a server and its backends used."""
    before = None
    while before != (ended := _ticks(pid)[2:]):  # one that ends meanwhile would be counted twice or not at all
        before, ticks = ended, sum(_ticks_or_0(member) for member in [pid, *children(pid)])
    return ticks / _TICKS_PER_SECOND


def machine_cpu_seconds() -> float:
    """What all cores together have been busy for since the machine started, whoever kept them so."""
    user, nice, system, idle, waiting, *rest = map(int, (_PROC / "stat").read_text().split("\n", 1)[0].split()[1:9])
    del idle, waiting  # for the disk
    return sum([user, nice, system, *rest]) / _TICKS_PER_SECOND


def children(pid: int) -> list[int]:
    return [int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit() and _parent(int(entry.name)) == pid]


def resident_bytes(pid: int) -> int:
    return _status_bytes(pid, "VmRSS")


def peak_resident_bytes(pid: int) -> int:
    return _status_bytes(pid, "VmHWM")


def _stat(pid: int) -> list[str]:
    """The fields from the state on: the name before it may hold spaces and brackets."""
    return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()


def _ticks(pid: int) -> list[int]:
    """User and system time, and both again for the children it has waited for."""
    return [int(field) for field in _stat(pid)[11:15]]


def _parent(pid: int) -> int | None:
    try:
        return int(_stat(pid)[1])
    except (FileNotFoundError, ProcessLookupError):  # it ended while we looked
        return None


def _ticks_or_0(pid: int) -> int:
    try:
        return sum(_ticks(pid))
    except (FileNotFoundError, ProcessLookupError):  # it ended while we looked
        return 0


def _status_bytes(pid: int, field: str) -> int:
    for line in (_PROC / str(pid) / "status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024
    raise ProcessLookupError(f"process {pid} has no memory any more")
