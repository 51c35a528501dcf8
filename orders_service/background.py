"""All background work of the service: the pipelines it can run, and those it starts by itself."""

from typing import Any

from orders_service import orders, subscriptions, uploads
from pipelines import Pipeline, Schedule, cron, schedule

PIPELINES: tuple[Pipeline[Any], ...] = (
    orders.fulfill_order,
    uploads.remove_upload,
    uploads.sweep_uploads,
    subscriptions.deliver_event,
    subscriptions.forget_deliveries,
)

SCHEDULES: tuple[Schedule[Any], ...] = (
    schedule(
        uploads.sweep_uploads,
        cron("17 * * * *", zone="UTC"),
        uploads.unclaimed_before,
        sentence="At 17 minutes past every hour: remove uploads that nobody has claimed.",
    ),
    schedule(
        subscriptions.forget_deliveries,
        cron("23 3 * * *", zone="UTC"),
        subscriptions.sent_long_ago,
        sentence="At 03:23 every night: forget which events were sent to subscribers more than 30 days ago.",
    ),
)
