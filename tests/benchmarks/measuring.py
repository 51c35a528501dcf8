"""One measurement: warm up, put orders on a service, wait until the last is completed, and read the meters."""

import asyncio
import json
import math
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, text

from tests.benchmarks.child import child
from tests.benchmarks.subjects import Running, Site, Subject
from tests.benchmarks.warehouse import Warehouse, warehouse
from tests.harness.orders import ADMIN_KEY

_COMPLETED = text("SELECT count(*) FROM orders WHERE status = 'completed'")
_POLL_SECONDS = 0.02
_STALLED_SECONDS = 20.0
_MIB = 2**20


@dataclass(frozen=True)
class Ground:
    """A database that nobody else uses, and the meter of the server that keeps it."""

    url: str
    cpu_seconds: Callable[[], float]


@dataclass(frozen=True)
class Load:
    """`warm_up` orders come first and are not measured: prepared statements, caches, filled tables."""

    orders: int
    connections: int
    warm_up: int = 500


@dataclass(frozen=True)
class Figures:
    """CPU is in seconds per 1,000 completed orders; `lost` were accepted and came to no end."""

    accepted_per_second: float
    completed_per_second: float
    p50_ms: float
    p99_ms: float
    service_cpu: float
    database_cpu: float
    peak_mib: float
    refused: int
    lost: int

    @property
    def cpu(self) -> float:
        return self.service_cpu + self.database_cpu


async def measure(subject: Subject, ground: Ground, load: Load, parent: Path) -> Figures:
    with tempfile.TemporaryDirectory(dir=parent) as folder:
        async with warehouse() as sink, subject(Site(ground.url, Path(folder), sink.url)) as running:
            watch = Watch(ground.url, sink)
            warm = (await post(running, 0, load.warm_up, load.connections))["accepted"]
            await watch.until_completed(warm)
            before = running.process.cpu_seconds(), ground.cpu_seconds()
            heard = await post(running, load.warm_up, load.orders, load.connections)
            total, ended_at = await watch.until_completed(warm + heard["accepted"])
            after = running.process.cpu_seconds(), ground.cpu_seconds()
            watch.close()
            peak = running.process.peak_resident_bytes() / _MIB
    return _figures(heard, total - warm, ended_at, [b - a for a, b in zip(before, after, strict=True)], peak)


async def soak(subject: Subject, ground: Ground, marks: list[int], connections: int, parent: Path) -> list[float]:
    """The memory in MiB that the service holds after so many orders."""
    held = []
    with tempfile.TemporaryDirectory(dir=parent) as folder:
        async with warehouse() as sink, subject(Site(ground.url, Path(folder), sink.url)) as running:
            watch = Watch(ground.url, sink)
            for start, end in zip([0, *marks], marks, strict=False):
                await post(running, start, end - start, connections)
                await watch.until_completed(end)
                held.append(running.process.resident_bytes() / _MIB)
            watch.close()
    return held


async def post(
    running: Running, first: int, count: int, connections: int, *, per_second: float = math.inf
) -> dict[str, Any]:
    """Let the client process place these orders, and give its tally."""
    async with child(
        "tests.benchmarks.load", running.port, ADMIN_KEY, first, count, connections, per_second
    ) as process:
        output, _ = await process.communicate()
    if process.returncode:
        raise SystemExit(f"the client broke off; the service says:\n{running.process.log_end()}")
    tally: dict[str, Any] = json.loads(output)
    return tally


class Watch:
    """Sees orders end: by the warehouse's count, which costs the service nothing, and at last by its database."""

    def __init__(self, url: str, sink: Warehouse) -> None:
        self._sink = sink
        self._engine: Engine = create_engine(url)

    async def until_completed(self, expected: int) -> tuple[int, float]:
        """How many are completed and when the last was; fewer than expected if nothing moves any more."""
        await _until(self._sink.taken, expected)
        return await _until(self._completed, expected)

    def close(self) -> None:
        self._engine.dispose()

    async def _completed(self) -> int:
        with self._engine.connect() as connection:
            count: int = connection.execute(_COMPLETED).scalar_one()
            return count


async def _until(count: Callable[[], Any], expected: int) -> tuple[int, float]:
    reached, moved_at = -1, time.time()
    while reached < expected and time.time() - moved_at < _STALLED_SECONDS:
        if (now := await count()) > reached:
            reached, moved_at = now, time.time()
        else:
            await asyncio.sleep(_POLL_SECONDS)
    return reached, moved_at


def _figures(heard: dict[str, Any], completed: int, ended_at: float, cpu: list[float], peak: float) -> Figures:
    return Figures(
        accepted_per_second=heard["accepted"] / heard["seconds"],
        completed_per_second=completed / (ended_at - heard["started_at"]),
        p50_ms=heard["p50_ms"],
        p99_ms=heard["p99_ms"],
        service_cpu=1000 * cpu[0] / completed,
        database_cpu=1000 * cpu[1] / completed,
        peak_mib=peak,
        refused=heard["refused"],
        lost=heard["accepted"] - completed,
    )
