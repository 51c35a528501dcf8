"""All background work of the service: the pipelines it can run, and those it starts by itself."""

from typing import Any

from orders_service import operations, orders, uploads
from pipelines import Pipeline, Schedule, cron, schedule

PIPELINES: tuple[Pipeline[Any], ...] = (
    orders.fulfill_order,
    uploads.remove_upload,
    uploads.sweep_uploads,
    operations.steer_runs,
    operations.cleanup_sessions,
    operations.expire_idempotency_keys,
)

SCHEDULES: tuple[Schedule[Any], ...] = (
    schedule(
        uploads.sweep_uploads,
        cron("17 * * * *", zone="UTC"),
        uploads.unclaimed_before,
        sentence="At 17 minutes past every hour: remove uploads that nobody has claimed.",
    ),
    schedule(
        operations.cleanup_sessions,
        cron("0 0 * * *", zone="UTC"),
        operations.ended_before,
        sentence="Every midnight: forget sessions that have ended.",
    ),
    schedule(
        operations.expire_idempotency_keys,
        cron("37 * * * *", zone="UTC"),
        operations.ended_before,
        sentence="At 37 minutes past every hour: forget idempotency keys that have had their day.",
    ),
)
