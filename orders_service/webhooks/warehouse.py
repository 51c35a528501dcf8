"""What the warehouse is sent."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Response
from fastapi.openapi.models import Example

from orders_service.gateways import FulfillmentCancellation, FulfillmentRequest
from orders_service.webhooks.headers import ACCEPTED, WebhookId, WebhookSignature, WebhookTimestamp

_ANSWERS: dict[int | str, dict[str, Any]] = {
    408: {"description": "Sent again under the same id, like 425, 429, every 5xx and no answer at all."},
    503: {"description": "Sent again; `Retry-After` is heeded, here and with 429, and costs no attempt."},
    "3XX": {"description": "Not followed, and sent again."},
    "4XX": {"description": "Refused for good: the order fails, and what was done for it is undone."},
}
_ORDER = "01a1fccd-1aee-748f-9e6d-a539d2934ed4"
_REQUESTED: dict[str, Example] = {
    "two lamps": {
        "value": {
            "type": "order.fulfillment_requested",
            "timestamp": "2026-11-21T12:00:00Z",
            "data": {
                "order_id": _ORDER,
                "items": [{"sku": "LAMP-01", "quantity": 2}],
                "shipping_address": {
                    "name": "Ada Lovelace",
                    "line1": "12 St James's Square",
                    "line2": None,
                    "city": "London",
                    "postal_code": "SW1Y 4JH",
                    "country": "GB",
                },
            },
        }
    }
}
_CANCELLED: dict[str, Example] = {
    "an order taken back": {
        "value": {
            "type": "order.fulfillment_cancelled",
            "timestamp": "2026-11-21T12:00:00Z",
            "data": {"order_id": _ORDER, "reason": "the order was not completed"},
        }
    }
}

router = APIRouter(tags=["webhooks"], responses=_ANSWERS, default_response_class=Response)


@router.post(
    "order.fulfillment_requested",
    operation_id="webhooks_order_fulfillment_requested",
    response_description=ACCEPTED,
)
def order_fulfillment_requested(
    event: Annotated[FulfillmentRequest, Body(openapi_examples=_REQUESTED)],
    webhook_id: WebhookId,
    webhook_timestamp: WebhookTimestamp,
    webhook_signature: WebhookSignature,
) -> None:
    """Pack an order and ship it. All attempts send the same bytes."""


@router.post(
    "order.fulfillment_cancelled",
    operation_id="webhooks_order_fulfillment_cancelled",
    response_description=ACCEPTED,
)
def order_fulfillment_cancelled(
    event: Annotated[FulfillmentCancellation, Body(openapi_examples=_CANCELLED)],
    webhook_id: WebhookId,
    webhook_timestamp: WebhookTimestamp,
    webhook_signature: WebhookSignature,
) -> None:
    """Take a request back. It may come for an order that was never asked for, and is accepted then too.

    A 4xx says that it is too late: an order that its customer wanted to cancel is then shipped as ordered.
    """
