"""Values of the journal as Prometheus metrics: right with any number of processes, and no wait for a slow database."""

import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from threading import Lock, Thread
from typing import Any

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from pipelines.journal.measuring import Measures, measure
from pipelines.pipeline import Pipeline
from pipelines.run import DEAD_LETTERS, OPEN
from pipelines.schedule import Schedule
from pipelines.transaction import ReadSession

CACHED_SECONDS = 5.0
MOST_SECONDS = 1.0
_SHOWN = (*sorted(OPEN), *DEAD_LETTERS)
_STATES_OF_PROCESSES = ("live", "draining")


class JournalGauges(Collector):
    """What the journal says, and so right with any number of processes: they all say the same, so take `max by`.

    Read at most every few seconds, in a thread of its own. A scrape waits for it no longer than `patience` seconds, and
    not at all for one that others wait for already: then the last values stand.
    """

    def __init__(
        self,
        readers: Engine,
        pipelines: Iterable[Pipeline[Any]],
        schedules: Iterable[Schedule[Any]] = (),
        *,
        clock: Callable[[], float] = time.monotonic,
        patience: float = MOST_SECONDS,
    ) -> None:
        self._readers = readers
        self._pipelines = tuple(each.name for each in pipelines)
        self._schedules = tuple(schedules)
        self._clock = clock
        self._patience = patience
        self._asked_at = float("-inf")
        self._reading: Thread | None = None
        self._one_at_a_time = Lock()
        self._measures = Measures()
        self._read_at: datetime | None = None

    def collect(self) -> Iterator[GaugeMetricFamily]:
        self._refresh()
        measures = self._measures
        runs = _gauge("pipeline_runs", "Open and dead runs", "pipeline", "state")
        oldest = _gauge("pipeline_oldest_ready_seconds", "Age of the oldest run that nobody has taken", "pipeline")
        for pipeline in self._pipelines:
            oldest.add_metric((pipeline,), _age_of(measures.oldest_ready.get(pipeline)))
            for state in _SHOWN:
                runs.add_metric((pipeline, state), measures.depths.get((pipeline, state), 0))
        yield runs
        yield oldest
        yield from self._of_machinery(measures)

    def _of_machinery(self, measures: Measures) -> Iterator[GaugeMetricFamily]:
        processes = _gauge("pipeline_processes", "Processes that are not known to be dead", "state")
        for state in _STATES_OF_PROCESSES:
            processes.add_metric((state,), measures.processes.get(state, 0))
        yield processes
        success = _gauge(
            "pipeline_schedule_last_success_timestamp_seconds",
            "When the last run of a schedule was completed, 0 for never",
            "schedule",
        )
        for each in self._schedules:
            success.add_metric((each.name,), _seconds_of(measures.last_success.get(each.name)))
        yield success
        read = _gauge("pipeline_journal_read_timestamp_seconds", "When the journal was read for these, 0 for never")
        read.add_metric((), _seconds_of(self._read_at))
        yield read

    def _refresh(self) -> None:
        with self._one_at_a_time:
            is_under_way = self._reading is not None and self._reading.is_alive()
            if is_under_way or self._clock() - self._asked_at < CACHED_SECONDS:
                return
            self._asked_at = self._clock()
            self._reading = reading = Thread(target=self._read, name="read the journal", daemon=True)
            reading.start()
        reading.join(self._patience)

    def _read(self) -> None:
        try:
            with ReadSession(self._readers) as session:
                self._measures = measure(session, self._schedules, most_seconds=MOST_SECONDS)
        except SQLAlchemyError:
            return  # a slow database never fails a scrape
        self._read_at = datetime.now(UTC)


def _gauge(name: str, says: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, f"{says}, from the journal: use max by.", labels=labels)


def _age_of(since: datetime | None) -> float:
    return max(0.0, (datetime.now(UTC) - since).total_seconds()) if since is not None else 0.0


def _seconds_of(moment: datetime | None) -> float:
    return moment.timestamp() if moment is not None else 0.0
