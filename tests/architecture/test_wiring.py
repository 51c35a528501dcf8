"""Every pipeline of the service can run: whatever its steps ask for is provided."""

from orders_service.background import PIPELINES
from orders_service.gateways import Crm, Mail, Warehouse
from pipelines.worker import wire


def test_every_pipeline_is_wired() -> None:
    wired = wire(PIPELINES, {Crm: object(), Mail: object(), Warehouse: object()})
    assert {name for name, _ in wired} == {
        "fulfill-order",
        "prepare-image",
        "expire-reservations",
        "refresh-catalog",
        "take-back-order",
        "tell-customer",
        "apply-fulfillment-event",
        "forget-fulfillment-events",
        "welcome",
        "remind-owner",
        "record-login",
        "sync-user",
        "remove-upload",
        "clean-up-uploads",
    }


def test_steps_run_in_the_order_that_customers_are_promised() -> None:
    steps = {pipeline.name: [step.name for step in pipeline.steps] for pipeline in PIPELINES}
    assert steps["fulfill-order"] == ["validate_order", "reserve_stock", "send_confirmation", "notify_warehouse"]
    assert steps["prepare-image"] == ["make_pictures", "tell_subscribers"]
    assert steps["welcome"] == ["validate_account", "make_profile", "send_welcome", "sync_crm", "audit_signup"]
