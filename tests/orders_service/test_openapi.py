from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import iter_route_contexts
from openapi_spec_validator import validate

from orders_service import openapi, subscriptions
from orders_service.app import create_app
from orders_service.audit.schemas import AuditEntryView
from orders_service.gateways import FulfillmentCancellation, FulfillmentRequest
from orders_service.orders.schemas import OrderDraft, OrderView
from orders_service.problems import MEDIA_TYPE
from orders_service.settings import Settings
from orders_service.subscriptions.schemas import (
    EndpointChange,
    EndpointDraft,
    EndpointView,
    EndpointWithSecret,
    Resend,
    Rotation,
)
from orders_service.subscriptions.viewing import DeliveryDetails, DeliveryStarted, DeliveryView, Resent
from pipelines.fastapi.views import RunView

COMMITTED = Path(__file__).parents[2] / "openapi.json"
DOCUMENT = openapi.document()
OPERATION_IDS = {
    "orders_create_order",
    "orders_list_orders",
    "orders_get_order",
    "orders_cancel_order",
    "audit_list_audit_entries",
    "webhooks_create_endpoint",
    "webhooks_list_endpoints",
    "webhooks_get_endpoint",
    "webhooks_change_endpoint",
    "webhooks_delete_endpoint",
    "webhooks_rotate_secret",
    "webhooks_send_test",
    "webhooks_resend",
    "webhooks_list_deliveries",
    "webhooks_get_delivery",
    "runs_get_run",
    "runs_follow_run",
    "operations_livez",
    "operations_readyz",
}
OPERATIONS = [
    (f"{method} {path}", operation) for path, item in DOCUMENT["paths"].items() for method, operation in item.items()
]
SUBSCRIPTIONS = (
    EndpointDraft,
    EndpointChange,
    EndpointView,
    EndpointWithSecret,
    Rotation,
    Resend,
    DeliveryStarted,
    Resent,
    DeliveryView,
    DeliveryDetails,
)
WEBHOOKS: dict[str, Any] = {
    "order.fulfillment_requested": FulfillmentRequest,
    "order.fulfillment_cancelled": FulfillmentCancellation,
    **subscriptions.EVENTS,
}


def test_the_committed_contract_is_that_of_the_code() -> None:
    assert COMMITTED.read_text() == openapi.written(), "run: orders openapi > openapi.json"


def test_the_contract_is_valid_openapi() -> None:
    validate(DOCUMENT)


def test_the_contract_is_the_same_on_every_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORDERS_ROLE", "worker")
    monkeypatch.setenv("ORDERS_HOST", "::1")
    assert openapi.document() == DOCUMENT


def test_operation_ids_are_stable() -> None:
    assert {operation["operationId"] for _, operation in OPERATIONS} == OPERATION_IDS


def test_every_route_is_in_the_contract_but_those_for_machines_and_for_development() -> None:
    app = create_app(Settings(role="all"))
    served = {context.path_format or context.path for context in iter_route_contexts(app.router.routes)}
    hidden = {path for path in served - set(DOCUMENT["paths"]) if path and not path.startswith("/sandbox/")}
    assert hidden == {"/metrics", "/docs", "/docs/oauth2-redirect", "/redoc", "/openapi.json"}


@pytest.mark.parametrize(("name", "operation"), OPERATIONS)
def test_every_error_is_declared_as_a_problem(name: str, operation: Any) -> None:
    errors = {status: answer for status, answer in operation["responses"].items() if status >= "400"}
    assert "503" in errors
    assert {media for answer in errors.values() for media in answer["content"]} == {MEDIA_TYPE}


@pytest.mark.parametrize(("name", "operation"), OPERATIONS)
def test_what_needs_a_key_says_so(name: str, operation: Any) -> None:
    needs_key = "/v1/" in name
    assert ("401" in operation["responses"], operation.get("security")) == (
        needs_key,
        [{"Bearer": []}] if needs_key else None,
    )


def test_every_operation_and_every_tag_is_described() -> None:
    assert all(operation["description"] for _, operation in OPERATIONS)
    used = {tag for _, operation in OPERATIONS for tag in operation["tags"]} | {"webhooks"}
    assert {tag["name"] for tag in DOCUMENT["tags"] if tag["description"]} == used
    assert DOCUMENT["components"]["securitySchemes"]["Bearer"]["description"]


@pytest.mark.parametrize("model", [OrderDraft, OrderView, RunView, AuditEntryView, *SUBSCRIPTIONS])
def test_every_body_has_an_example_that_fits(model: Any) -> None:
    assert DOCUMENT["components"]["schemas"][model.__name__]["examples"]
    for example in model.model_config["json_schema_extra"]["examples"]:  # FastAPI leaves out what is null
        assert model.model_validate(example, strict=False)


@pytest.mark.parametrize(("name", "model"), list(WEBHOOKS.items()))
def test_the_webhooks_that_we_send_are_described_with_an_example(name: str, model: Any) -> None:
    operation = DOCUMENT["webhooks"][name]["post"]
    assert [parameter["name"] for parameter in operation["parameters"]] == [
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
    ]
    for example in operation["requestBody"]["content"]["application/json"]["examples"].values():
        assert model.model_validate(example["value"]).type == name


def test_no_other_webhook_is_described() -> None:
    assert set(DOCUMENT["webhooks"]) == set(WEBHOOKS)
