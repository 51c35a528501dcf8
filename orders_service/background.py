"""All background work of the service: the pipelines it can run, and those it starts by itself."""

from typing import Any

from orders_service import accounts, fulfillment, images, inventory, orders, uploads
from pipelines import Pipeline, Schedule, cron, schedule

PIPELINES: tuple[Pipeline[Any], ...] = (
    orders.fulfill_order,
    images.prepare_image,
    orders.expire_reservations,
    inventory.refresh_catalog,
    orders.take_back_order,
    orders.tell_customer,
    fulfillment.apply_event,
    fulfillment.forget_events,
    accounts.welcome,
    accounts.remind_owner,
    accounts.record_login,
    accounts.sync_user,
    uploads.remove_upload,
    uploads.sweep_uploads,
)

SCHEDULES: tuple[Schedule[Any], ...] = (
    schedule(
        orders.expire_reservations,
        cron("*/5 * * * *", zone="UTC"),
        orders.expired_by,
        sentence="Every five minutes: cancel open orders whose stock has been held for longer than a day.",
    ),
    schedule(
        uploads.sweep_uploads,
        cron("17 * * * *", zone="UTC"),
        uploads.unclaimed_before,
        sentence="At 17 minutes past every hour: remove uploads that nobody has claimed.",
    ),
    schedule(
        fulfillment.forget_events,
        cron("41 3 * * *", zone="UTC"),
        fulfillment.forgotten_before,
        sentence="At 03:41 UTC: forget events of the warehouse that were received 14 days ago.",
    ),
)
