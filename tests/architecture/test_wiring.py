"""Every pipeline of the service can run: whatever its steps ask for is provided."""

from orders_service.background import PIPELINES
from orders_service.gateways import Crm, Mail, Subscribers, Warehouse
from orders_service.inside import Inside
from orders_service.settings import Settings
from pipelines.worker import wire

OUTSIDE = {each: object() for each in (Crm, Mail, Subscribers, Warehouse)}


def test_every_pipeline_is_wired() -> None:
    wired = wire(PIPELINES, OUTSIDE | Inside(Settings()).provided)
    assert sorted({name for name, _ in wired}) == [
        "announce-report",
        "apply-fulfillment-event",
        "clean-up-uploads",
        "cleanup-sessions",
        "daily-report",
        "deliver-event",
        "expire-idempotency-keys",
        "expire-reservations",
        "forget-deliveries",
        "forget-fulfillment-events",
        "forget-imports",
        "fulfill-order",
        "import-orders",
        "make-report",
        "prepare-image",
        "record-login",
        "refresh-catalog",
        "remind-owner",
        "remove-upload",
        "steer-runs",
        "sync-user",
        "take-back-order",
        "tell-customer",
        "welcome",
    ]


def test_steps_run_in_the_order_that_customers_are_promised() -> None:
    steps = {pipeline.name: [step.name for step in pipeline.steps] for pipeline in PIPELINES}
    assert steps["fulfill-order"] == ["validate_order", "reserve_stock", "send_confirmation", "notify_warehouse"]
    assert steps["prepare-image"] == ["make_pictures", "tell_subscribers"]
    assert steps["welcome"] == ["validate_account", "make_profile", "send_welcome", "sync_crm", "audit_signup"]
