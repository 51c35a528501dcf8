"""What the warehouse sends. It is a partner and not a stranger: what it adds to `data` is ignored, not refused."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from orders_service.strict_models import StrictModel, Text, Timestamp

MOST_DETAILS = 10

EventType = Literal["order.shipped", "order.delivered", "order.refused"]
_DetailName = Annotated[str, Field(pattern="^[A-Za-z][A-Za-z0-9_-]{0,39}$")]

EXAMPLES: dict[str, dict[str, Any]] = {
    "shipped": {
        "type": "order.shipped",
        "timestamp": "2026-11-28T12:00:00Z",
        "data": {
            "order_id": "01a1fccd-1aee-748f-9e6d-a539d2934ed4",
            "tracking": {"carrier": "DHL", "number": "00340434161094042557"},
        },
    },
    "delivered": {
        "type": "order.delivered",
        "timestamp": "2026-11-29T09:30:00Z",
        "data": {"order_id": "01a1fccd-1aee-748f-9e6d-a539d2934ed4"},
    },
    "refused": {
        "type": "order.refused",
        "timestamp": "2026-11-28T12:00:00Z",
        "data": {"order_id": "01a1fccd-1aee-748f-9e6d-a539d2934ed4", "reason": "damaged in the warehouse"},
    },
}


class EventData(StrictModel):
    """Which order, and what is to be known about it."""

    model_config = ConfigDict(extra="ignore")

    order_id: UUID = Field(strict=False)
    tracking: dict[_DetailName, Annotated[str, Text(300)]] | None = Field(default=None, max_length=MOST_DETAILS)
    reason: Annotated[str, Text(500)] | None = None


class WarehouseEvent(StrictModel):
    """An event after Standard Webhooks; `timestamp` is when it happened, whenever it arrives."""

    type: EventType
    timestamp: Timestamp
    data: EventData


class EventReceipt(BaseModel):
    """Whether the event is new to us."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [{"outcome": "accepted"}]})

    outcome: Literal["accepted", "duplicate"]
