"""The HTTP face of the warehouse's callbacks: no bearer, but a signature on the very bytes."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Request, Response, Security
from fastapi.security import APIKeyHeader

from orders_service.audit import address_of
from orders_service.database import process_of
from orders_service.fulfillment.applying import StoredEvent
from orders_service.fulfillment.receiving import read_event, receive_event, webhook_id_of
from orders_service.fulfillment.schemas import EXAMPLES, EventReceipt, WarehouseEvent
from orders_service.gateways import Signatures
from orders_service.problems import responses
from orders_service.request_ids import request_id_of
from orders_service.strict_json import StrictRoute
from orders_service.subjects import note_subject

_SIGNATURE = APIKeyHeader(
    name="webhook-signature",
    scheme_name="WebhookSignature",
    description="After Standard Webhooks: `v1,` and the base64 of an HMAC-SHA256 over `{id}.{timestamp}.{body}` with "
    "the secret that fulfillment requests are signed with; several, with a space between, during a rotation.",
    auto_error=False,
)
_ID = Header(description="The same for every attempt: an event is applied once per id. No dot in it.")
_TIMESTAMP = Header(description="Unix seconds of this attempt; refused when it is more than 5 minutes off.")
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"description": "It came before, and is not applied again.", "model": EventReceipt}
}


def _without_references(schema: Any, known: dict[str, Any]) -> Any:
    """OpenAPI has one place for definitions, and what only a raw body refers to is not put there."""
    if isinstance(schema, list):
        return [_without_references(each, known) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _without_references(known[schema["$ref"].rpartition("/")[2]], known)
    return {name: _without_references(each, known) for name, each in schema.items() if name != "$defs"}


def _request_body() -> dict[str, Any]:
    schema = WarehouseEvent.model_json_schema()
    content = {
        "schema": _without_references(schema, schema.get("$defs", {})),
        "examples": {name: {"value": value} for name, value in EXAMPLES.items()},
    }
    return {"requestBody": {"required": True, "content": {"application/json": content}}}


router = APIRouter(prefix="/v1/fulfillment", tags=["fulfillment"], route_class=StrictRoute)


@router.post(
    "/events",
    status_code=202,
    response_description="Stored, and applied in the background.",
    responses=responses(400, 401, 404, 413, 415, 422, 503) | _ANSWERS,
    openapi_extra=_request_body(),
)
async def receive_fulfillment_event(
    request: Request,
    response: Response,
    signature: Annotated[str | None, Security(_SIGNATURE)],  # noqa: ARG001 - for the documentation: all three are
    webhook_id: Annotated[str | None, _ID] = None,  # noqa: ARG001 - read together, with the body
    webhook_timestamp: Annotated[str | None, _TIMESTAMP] = None,  # noqa: ARG001 - as above
) -> EventReceipt:
    """Hear from the warehouse that an order was shipped, delivered, or is refused after all.

    Any 2xx means that the event is on disk and will be applied; anything else that nothing was stored. Events may
    come in any order and more than once: an order never moves back. One for an order that we have not quite
    completed waits for that. What is unknown in `data` is ignored.
    """
    key, event = await _verified(request)
    note_subject(request, order_id=event.order_id)
    if await process_of(request).write(receive_event, key, event):
        return EventReceipt(outcome="accepted")
    response.status_code = 200
    return EventReceipt(outcome="duplicate")


async def _verified(request: Request) -> tuple[str, StoredEvent]:
    """Nothing is read of a body before its signature has been found good."""
    body = await request.body()
    signatures: Signatures = request.state.warehouse_signatures  # who signs with one of its secrets is the warehouse
    signatures.verify(body, request.headers)
    key, event = webhook_id_of(request.headers), read_event(body)
    return key, StoredEvent(
        type=event.type,
        order_id=event.data.order_id,
        occurred_at=event.timestamp,
        tracking=event.data.tracking,
        reason=event.data.reason,
        request_id=request_id_of(request.scope),
        ip=address_of(request),
    )
