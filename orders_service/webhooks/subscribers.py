"""What those are sent who subscribe to our events, each with an example."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Body, Response

from orders_service.subscriptions import EVENTS, Event
from orders_service.webhooks.headers import ACCEPTED, WebhookId, WebhookSignature, WebhookTimestamp

_ANSWERS: dict[int | str, dict[str, Any]] = {
    410: {"description": "You want no more events: the endpoint is disabled at once."},
    429: {"description": "Sent again after `Retry-After`, here and with 503, and no attempt is spent."},
    "3XX": {"description": "Not followed, and sent again."},
    "4XX": {"description": "Sent again under the same id for about three days, like every 5xx and no answer at all."},
}

_ID = "01a1fccd-1aee-748f-9e6d-a539d2934ed4"
_PRICE = {"amount": 1999, "currency": "EUR"}
_ORDER: dict[str, Any] = {
    "id": _ID,
    "status": "pending",
    "items": [{"sku": "LAMP-01", "quantity": 2, "price": _PRICE}],
    "total": {"amount": 3998, "currency": "EUR"},
    "reason": None,
}
_PRODUCT: dict[str, Any] = {"sku": "LAMP-01", "name": "Lamp", "price": _PRICE, "available": 100}
_TEXTS: Mapping[str, str] = {
    "order.accepted": "An order is on disk, and its fulfillment has begun.",
    "order.completed": "The warehouse has accepted an order.",
    "order.rejected": "An order was refused for the reason named; what was done for it is undone.",
    "order.failed": "An order could not be fulfilled; what was done for it is undone.",
    "order.cancelled": "An order was taken back; what was done for it is undone.",
    "order.shipped": "An order has left the warehouse.",
    "order.delivered": "An order has arrived.",
    "order.refused": "The warehouse could not ship an order that it had accepted.",
    "product.created": "There is a new product.",
    "product.updated": "A product has changed, and this is how it is now.",
    "product.deleted": "A product is no longer sold.",
    "product.stock_adjusted": "Somebody has put goods on the shelf, or taken them off, without an order.",
    "product.image_ready": "The picture of a product can be fetched in all its sizes.",
    "report.ready": "A report can be fetched.",
    "webhook.test": "Nothing has happened: somebody has asked for a test event.",
}
_DATA: Mapping[str, dict[str, Any]] = {
    "order.rejected": _ORDER | {"status": "rejected", "reason": "LAMP-01 is no longer sold"},
    "product.created": _PRODUCT,
    "product.updated": _PRODUCT,
    "product.deleted": {"sku": "LAMP-01"},
    "product.stock_adjusted": {"sku": "LAMP-01", "available": 90, "change": -10, "reason": "breakage"},
    "product.image_ready": {
        "sku": "LAMP-01",
        "url": "/v1/products/LAMP-01/image",
        "sizes": [{"width": 320, "height": 240, "url": "/v1/products/LAMP-01/image?width=320"}],
    },
    "report.ready": {"id": _ID, "type": "sales", "url": f"/v1/reports/{_ID}"},
    "webhook.test": {"endpoint_id": _ID, "message": "This is a test."},
}

router = APIRouter(tags=["webhooks"], responses=_ANSWERS, default_response_class=Response)


def _example(event_type: str) -> dict[str, Any]:
    status = event_type.partition(".")[2]
    data = _DATA.get(event_type, _ORDER | {"status": "pending" if status == "accepted" else status})
    return {"type": event_type, "timestamp": "2026-11-28T12:00:00Z", "data": data}


def _describe(event_type: str, model: type[Event]) -> None:
    body = Body(openapi_examples={event_type: {"value": _example(event_type)}})

    def receive(
        event: Annotated[model, body],  # type: ignore[valid-type] # one function for each model
        webhook_id: WebhookId,
        webhook_timestamp: WebhookTimestamp,
        webhook_signature: WebhookSignature,
    ) -> None:
        """Say what it means, in place of this."""

    router.add_api_route(
        event_type,
        receive,
        methods=["POST"],
        operation_id=f"webhooks_{event_type.replace('.', '_')}",
        summary=_TEXTS[event_type].rstrip("."),
        description=_TEXTS[event_type],
        response_description=ACCEPTED,
    )


for _name, _model in EVENTS.items():
    _describe(_name, _model)
