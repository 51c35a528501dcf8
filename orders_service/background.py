"""All background work of the service: the pipelines it can run, and those it starts by itself."""

from typing import Any

from orders_service import (
    accounts,
    fulfillment,
    images,
    imports,
    inventory,
    operations,
    orders,
    reports,
    subscriptions,
    uploads,
)
from orders_service.settings import Settings
from pipelines import Pipeline, Schedule, cron, schedule

PIPELINES: tuple[Pipeline[Any], ...] = (
    orders.fulfill_order,
    orders.take_back_order,
    orders.tell_customer,
    orders.expire_reservations,
    fulfillment.apply_event,
    fulfillment.forget_events,
    inventory.refresh_catalog,
    images.prepare_image,
    accounts.welcome,
    accounts.remind_owner,
    accounts.record_login,
    accounts.sync_user,
    subscriptions.deliver_event,
    subscriptions.forget_deliveries,
    imports.import_orders,
    imports.forget_imports,
    reports.make_report,
    reports.announce_report,
    reports.daily_report,
    uploads.remove_upload,
    uploads.sweep_uploads,
    operations.steer_runs,
    operations.cleanup_sessions,
    operations.expire_idempotency_keys,
)

SCHEDULES: tuple[Schedule[Any], ...] = (
    schedule(
        orders.expire_reservations,
        cron("*/5 * * * *", zone="UTC"),
        orders.expired_by,
        sentence="Every five minutes: cancel open orders whose stock has been held for longer than a day.",
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
    schedule(
        fulfillment.forget_events,
        cron("41 3 * * *", zone="UTC"),
        fulfillment.forgotten_before,
        sentence="At 03:41 every night: forget events of the warehouse that were received 14 days ago.",
    ),
    schedule(
        imports.forget_imports,
        cron("53 3 * * *", zone="UTC"),
        imports.imported_long_ago,
        sentence="At 03:53 every night: forget imports that ended 90 days ago; the orders that came of them stay.",
    ),
)


def schedules_of(settings: Settings) -> tuple[Schedule[Any], ...]:
    """All of them: those that are the same everywhere, and those that the settings place and address."""
    return (*SCHEDULES, reports.every_morning(settings.time_zone, settings.report_email))
