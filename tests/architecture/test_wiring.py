"""Every pipeline of the service can run: whatever its steps ask for is provided."""

from orders_service.background import PIPELINES
from orders_service.gateways import Mail, Subscribers, Warehouse
from orders_service.subscriptions import Addresses
from pipelines.worker import wire


def test_every_pipeline_is_wired() -> None:
    wired = wire(PIPELINES, {each: object() for each in (Mail, Warehouse, Subscribers, Addresses)})
    assert {name for name, _ in wired} == {
        "fulfill-order",
        "remove-upload",
        "clean-up-uploads",
        "deliver-event",
        "forget-deliveries",
    }


def test_steps_run_in_the_order_that_customers_are_promised() -> None:
    steps = {pipeline.name: [step.name for step in pipeline.steps] for pipeline in PIPELINES}
    assert steps["fulfill-order"] == ["validate_order", "reserve_stock", "send_confirmation", "notify_warehouse"]
