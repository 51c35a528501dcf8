"""Where metrics are made, and what a scrape reads: those of this process, or of all workers of one server."""

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import (
    GC_COLLECTOR,
    PLATFORM_COLLECTOR,
    PROCESS_COLLECTOR,
    CollectorRegistry,
    disable_created_metrics,
)
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""Names the folder through which workers share their values; the client reads it when it is imported."""


@dataclass(frozen=True, slots=True)
class Registries:
    """Metrics are made on `own`; `/metrics` shows `scraped`."""

    own: CollectorRegistry
    scraped: CollectorRegistry


class Workers(MultiProcessCollector):
    """The values of all workers, added up. What a worker counted before it died stays counted; its gauges go."""

    def __init__(self, folder: Path) -> None:
        super().__init__(None, str(folder))  # type: ignore[no-untyped-call] # published without types
        self._folder = folder

    def collect(self) -> Iterable[Metric]:
        self._bury()
        metrics: Iterable[Metric] = super().collect()  # type: ignore[no-untyped-call] # as above
        return metrics

    def _bury(self) -> None:
        """The server has no hook for a worker that was killed."""
        pids = {int(file.stem.rpartition("_")[2]) for file in self._folder.glob("gauge_live*_*.db")}
        for pid in filter(_is_dead, pids):
            with suppress(FileNotFoundError):  # another worker may be at it, too
                mark_process_dead(pid, str(self._folder))  # type: ignore[no-untyped-call] # as above


def open_registries() -> Registries:
    """Fresh ones, with what is known of the process itself when it is alone."""
    disable_created_metrics()  # type: ignore[no-untyped-call] # a third of all series, and nobody asks for them
    own = CollectorRegistry()
    if folder := os.environ.get(FOLDER):
        scraped = CollectorRegistry()
        scraped.register(Workers(Path(folder)))
        return Registries(own, scraped)
    for collector in (PROCESS_COLLECTOR, PLATFORM_COLLECTOR, GC_COLLECTOR):
        own.register(collector)
    return Registries(own, own)


def _is_dead(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False  # somebody else's by now, who has its number
    return False
