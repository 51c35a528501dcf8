"""Events for the warehouse; a test names only what matters to it."""

from datetime import UTC, datetime
from uuid import UUID

from orders_service.gateways import (
    Cancellation,
    Fulfillment,
    FulfillmentCancellation,
    FulfillmentItem,
    FulfillmentRequest,
    ShippingAddress,
)

SECRET = "whsec_b3JkZXJzLWFuZC1waXBlbGluZXMtdGVzdGluZw=="
OTHER_SECRET = "whsec_YW5vdGhlci1zZWNyZXQtZm9yLXRoZS1yb3RhdGlvbg=="

_ORDER = UUID("01930000-0000-7000-8000-000000000001")
_NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def a_request(
    *, order_id: UUID = _ORDER, timestamp: datetime = _NOON, line1: str = "1 Main Street", **lines: int
) -> FulfillmentRequest:
    items = tuple(FulfillmentItem(sku=sku, quantity=count) for sku, count in (lines or {"lamp": 1}).items())
    address = ShippingAddress(line1=line1, city="Springfield", postal_code="12345", country="US")
    return FulfillmentRequest(
        timestamp=timestamp, data=Fulfillment(order_id=order_id, items=items, shipping_address=address)
    )


def a_cancellation(*, reason: str = "cancelled by the customer") -> FulfillmentCancellation:
    return FulfillmentCancellation(timestamp=_NOON, data=Cancellation(order_id=_ORDER, reason=reason))
