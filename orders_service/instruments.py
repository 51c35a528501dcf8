"""All metrics of the service, made once for each application and put on one registry."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from orders_service.background import PIPELINES
from orders_service.metrics import HttpMetrics
from orders_service.outgoing_metrics import OutgoingMetrics
from orders_service.pool_metrics import PoolMetrics
from orders_service.registries import open_registries
from pipelines import Process, Schedule
from pipelines.telemetry import JournalGauges, PrometheusMetrics, current_exemplar


class Instruments:
    """`scraped` is what `/metrics` shows."""

    def __init__(self, schedules: Iterable[Schedule[Any]], *, version: str, commit: str) -> None:
        registries = open_registries()
        self.scraped, self._own = registries.scraped, registries.own
        self.steps = PrometheusMetrics(registries.own, PIPELINES, schedules, exemplar=current_exemplar)
        self.http = HttpMetrics(registries.own, version=version, commit=commit, exemplar=current_exemplar)
        self.outgoing = OutgoingMetrics(registries.own)
        self._pool = PoolMetrics(registries.own)

    def follow(self, process: Process) -> None:
        """Call it before the process starts."""
        if self._own is not self.scraped:
            list(self._own.collect())  # a scrape reads what each worker has written: also what stands at 0
        self._pool.watch(process.readers)

    @contextmanager
    def reading(self, process: Process) -> Iterator[None]:
        """Show what the journal says, for as long as the process runs."""
        gauges = JournalGauges(process.readers, PIPELINES, process.schedules.values())
        self.scraped.register(gauges)
        try:
            yield
        finally:
            self.scraped.unregister(gauges)
