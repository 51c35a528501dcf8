"""Subscribers to events. The library emits; these turn what happened into metrics."""

from pipelines.telemetry.prometheus import JournalGauges, PrometheusMetrics

__all__ = ["JournalGauges", "PrometheusMetrics"]
