import json
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import iter_route_contexts
from openapi_spec_validator import validate

from orders_service import api_docs, openapi, subscriptions
from orders_service.accounts.schemas import (
    LoginDraft,
    PasswordChange,
    SessionView,
    SignupDraft,
    UserChange,
    UserView,
)
from orders_service.api_keys.schemas import IssuedKey, KeyDraft, KeyView
from orders_service.app import create_app
from orders_service.audit.schemas import AuditEntryView
from orders_service.fulfillment.receiving import read_event
from orders_service.fulfillment.schemas import EventReceipt
from orders_service.gateways import FulfillmentCancellation, FulfillmentRequest
from orders_service.images.schemas import ImageStatus
from orders_service.imports.schemas import ImportView
from orders_service.inventory.schemas import AdjustedProduct, ProductDraft, ProductView, StockAdjustment, StockView
from orders_service.operations.machinery_schemas import PipelineView, ScheduleView
from orders_service.operations.schemas import (
    Accepted,
    BulkCancel,
    BulkRetry,
    CauseView,
    PauseReason,
    PreviewView,
    Reason,
    RunSummary,
)
from orders_service.orders.schemas import CancelOrder, OrderDraft, OrderView
from orders_service.problems import MEDIA_TYPE
from orders_service.reports.schemas import ReportDraft, ReportView
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
    "products_list_products",
    "products_get_product",
    "products_put_product",
    "products_delete_product",
    "products_adjust_stock",
    "products_show_stock",
    "fulfillment_receive_fulfillment_event",
    "imports_create_import",
    "imports_list_imports",
    "imports_get_import",
    "imports_download_errors",
    "imports_cancel_import",
    "reports_create_report",
    "reports_list_reports",
    "reports_get_report",
    "reports_get_report_file",
    "reports_cancel_report",
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
    "accounts_sign_up",
    "accounts_log_in",
    "accounts_log_out",
    "accounts_show_me",
    "accounts_change_me",
    "accounts_change_password",
    "accounts_list_users",
    "accounts_get_user",
    "api-keys_issue_key",
    "api-keys_list_keys",
    "api-keys_get_key",
    "api-keys_revoke_key",
    "audit_list_audit_entries",
    "images_get_image",
    "images_get_image_status",
    "images_remove_product_image",
    "images_replace_image",
    "runs_get_run",
    "runs_follow_run",
    "runs_list_runs",
    "runs_explain_run",
    "runs_retry_run",
    "runs_retry_undo_of_run",
    "runs_replay_run",
    "runs_cancel_run",
    "runs_retry_runs",
    "runs_cancel_runs",
    "schedules_list_schedules",
    "schedules_trigger_schedule",
    "schedules_pause_schedule",
    "schedules_resume_schedule",
    "pipelines_list_pipelines",
    "pipelines_pause_pipeline",
    "pipelines_resume_pipeline",
    "operations_livez",
    "operations_readyz",
}
OPERATIONS = [
    (f"{method} {path}", operation) for path, item in DOCUMENT["paths"].items() for method, operation in item.items()
]
SIGNED = {"post /v1/fulfillment/events": ["WebhookSignature"]}
FOR_STRANGERS = {"post /v1/signup", "post /v1/login"}
BODIES = [
    OrderDraft,
    OrderView,
    RunView,
    AuditEntryView,
    CancelOrder,
    EventReceipt,
    ImageStatus,
    ProductDraft,
    ProductView,
    StockAdjustment,
    AdjustedProduct,
    StockView,
    SignupDraft,
    LoginDraft,
    SessionView,
    UserChange,
    PasswordChange,
    UserView,
    KeyDraft,
    KeyView,
    IssuedKey,
    ImportView,
    ReportDraft,
    ReportView,
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
    RunSummary,
    CauseView,
    Reason,
    PauseReason,
    BulkRetry,
    BulkCancel,
    PreviewView,
    Accepted,
    ScheduleView,
    PipelineView,
]
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
    hidden = {
        path for path in served - set(DOCUMENT["paths"]) if path and not path.startswith(("/sandbox/", "/console"))
    }
    assert hidden == {"/metrics", api_docs.PAGE, *api_docs.STATIC, "/openapi.json"}


@pytest.mark.parametrize(("name", "operation"), OPERATIONS)
def test_every_error_is_declared_as_a_problem(name: str, operation: Any) -> None:
    errors = {status: answer for status, answer in operation["responses"].items() if status >= "400"}
    assert "503" in errors
    assert {media for answer in errors.values() for media in answer["content"]} == {MEDIA_TYPE}


@pytest.mark.parametrize(("name", "operation"), OPERATIONS)
def test_what_needs_a_key_says_so(name: str, operation: Any) -> None:
    schemes = SIGNED.get(name, ["Bearer"] if "/v1/" in name and name not in FOR_STRANGERS else [])
    assert operation.get("security") == ([{scheme: []} for scheme in schemes] or None)
    assert ("401" in operation["responses"]) is (bool(schemes) or name == "post /v1/login")


def test_the_warehouse_is_told_how_to_sign() -> None:
    [operation] = [operation for name, operation in OPERATIONS if name in SIGNED]
    assert [parameter["name"] for parameter in operation["parameters"]] == ["webhook-id", "webhook-timestamp"]
    scheme = DOCUMENT["components"]["securitySchemes"]["WebhookSignature"]
    assert (scheme["type"], scheme["in"], scheme["name"]) == ("apiKey", "header", "webhook-signature")
    assert scheme["description"]


def test_the_events_of_the_warehouse_have_an_example_each() -> None:
    [operation] = [operation for name, operation in OPERATIONS if name in SIGNED]
    content = operation["requestBody"]["content"]["application/json"]
    events = [read_event(json.dumps(each["value"]).encode()) for each in content["examples"].values()]
    assert [event.type for event in events] == content["schema"]["properties"]["type"]["enum"]


def test_every_operation_and_every_tag_is_described() -> None:
    assert all(operation["description"] for _, operation in OPERATIONS)
    used = {tag for _, operation in OPERATIONS for tag in operation["tags"]} | {"webhooks"}
    assert {tag["name"] for tag in DOCUMENT["tags"] if tag["description"]} == used
    assert DOCUMENT["components"]["securitySchemes"]["Bearer"]["description"]


@pytest.mark.parametrize("model", BODIES)
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
