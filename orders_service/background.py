"""All background work of the service: the pipelines it can run, and those it starts by itself."""

from typing import Any

from orders_service import orders, reports, uploads
from orders_service.settings import Settings
from pipelines import Pipeline, Schedule, cron, schedule

PIPELINES: tuple[Pipeline[Any], ...] = (
    orders.fulfill_order,
    reports.make_report,
    reports.announce_report,
    reports.daily_report,
    uploads.remove_upload,
    uploads.sweep_uploads,
)

SCHEDULES: tuple[Schedule[Any], ...] = (
    schedule(
        uploads.sweep_uploads,
        cron("17 * * * *", zone="UTC"),
        uploads.unclaimed_before,
        sentence="At 17 minutes past every hour: remove uploads that nobody has claimed.",
    ),
)


def schedules_of(settings: Settings) -> tuple[Schedule[Any], ...]:
    """All of them: those that are the same everywhere, and those that the settings place and address."""
    return (*SCHEDULES, reports.every_morning(settings.time_zone, settings.report_email))
