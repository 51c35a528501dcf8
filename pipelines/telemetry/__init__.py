"""Subscribers to events. The library emits; these turn what happened into metrics, log lines and spans."""

from pipelines.telemetry.gauges import JournalGauges
from pipelines.telemetry.logs import StructuredLogs
from pipelines.telemetry.prometheus import PrometheusMetrics
from pipelines.telemetry.tracebacks import MOST_FRAMES, kinds_of, places_of
from pipelines.telemetry.tracing import Tracing, current_exemplar, current_traceparent, is_tracing_on
from pipelines.telemetry.zeros import Zeros

__all__ = [
    "MOST_FRAMES",
    "JournalGauges",
    "PrometheusMetrics",
    "StructuredLogs",
    "Tracing",
    "Zeros",
    "current_exemplar",
    "current_traceparent",
    "is_tracing_on",
    "kinds_of",
    "places_of",
]
