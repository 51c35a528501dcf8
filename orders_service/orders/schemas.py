"""What clients send and see of an order."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, EmailStr, Field, model_validator
from pydantic_core import PydanticCustomError

from orders_service import inventory
from orders_service.money import Money
from orders_service.run_links import RunLink
from orders_service.strict_models import StrictModel, Text

MOST_LINES = 100
LARGEST_QUANTITY = 1_000_000


class OrderStatus(StrEnum):
    """How far an order has come. Those of an open order follow from the step that its run has reached."""

    PENDING = "pending"
    VALIDATED = "validated"
    RESERVED = "reserved"
    CONFIRMED = "confirmed"
    FULFILLING = "fulfilling"
    COMPLETED = "completed"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    REJECTED = "rejected"
    FAILED = "failed"
    CANCELLED = "cancelled"


OPEN_STATUSES = frozenset(
    {
        OrderStatus.PENDING,
        OrderStatus.VALIDATED,
        OrderStatus.RESERVED,
        OrderStatus.CONFIRMED,
        OrderStatus.FULFILLING,
    }
)


class Item(StrictModel):
    """So many of one product."""

    sku: inventory.Sku
    quantity: int = Field(ge=1, le=LARGEST_QUANTITY)


class Address(StrictModel):
    """Where it goes."""

    name: Annotated[str, Text(100)] | None = None
    line1: Annotated[str, Text(200)]
    line2: Annotated[str, Text(200)] | None = None
    city: Annotated[str, Text(100)]
    postal_code: Annotated[str, Text(20)]
    country: str = Field(pattern="^[A-Z]{2}$", description="ISO 3166 alpha-2")


_ADDRESS: dict[str, Any] = {
    "name": "Ada Lovelace",
    "line1": "12 St James's Square",
    "line2": None,
    "city": "London",
    "postal_code": "SW1Y 4JH",
    "country": "GB",
}


class OrderDraft(StrictModel):
    """An order as a client places it. Prices come from the catalog."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "customer_email": "ada@example.com",
                    "items": [{"sku": "LAMP-01", "quantity": 2}],
                    "shipping_address": _ADDRESS,
                }
            ]
        }
    )

    customer_email: EmailStr = Field(max_length=254)
    items: list[Item] = Field(min_length=1, max_length=MOST_LINES)
    shipping_address: Address

    @model_validator(mode="after")
    def _each_product_once(self) -> Self:
        if len({item.sku for item in self.items}) < len(self.items):
            raise PydanticCustomError("sku_repeated", "A product may be in one line only: add up the quantities")
        return self


_RUN = "01a1fccd-1aee-748f-9e6d-a53a446f6bc9"
_EXAMPLE: dict[str, Any] = {
    "id": "01a1fccd-1aee-748f-9e6d-a539d2934ed4",
    "status": "confirmed",
    "reason": None,
    "customer_email": "ada@example.com",
    "items": [{"sku": "LAMP-01", "quantity": 2, "price": {"amount": 1999, "currency": "EUR"}}],
    "total": {"amount": 3998, "currency": "EUR"},
    "shipping_address": _ADDRESS,
    "created_at": "2026-11-21T12:00:00Z",
    "run": {"id": _RUN, "url": f"/v1/runs/{_RUN}"},
    "cancellation": None,
    "shipped_at": None,
    "delivered_at": None,
    "tracking": None,
}


class PricedItem(BaseModel):
    """A line of an order, at the price it was sold for."""

    model_config = ConfigDict(frozen=True)

    sku: str
    quantity: int
    price: Money


class OrderView(BaseModel):
    """An order as its owner sees it."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [_EXAMPLE]})

    id: UUID
    status: OrderStatus
    reason: str | None = Field(default=None, description="Why it was rejected, failed or cancelled.")
    customer_email: str
    items: tuple[PricedItem, ...]
    total: Money
    shipping_address: Address
    created_at: datetime
    run: RunLink
    cancellation: RunLink | None = Field(
        default=None, description="The run that asks the warehouse to cancel it; gone when the warehouse says no."
    )
    shipped_at: datetime | None = Field(default=None, description="When the warehouse says that it was shipped.")
    delivered_at: datetime | None = Field(default=None, description="When the warehouse says that it was delivered.")
    tracking: dict[str, str] | None = Field(default=None, description="As the warehouse gave it.")


class CancelOrder(StrictModel):
    """Why an order is cancelled, in the customer's words."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "ordered twice"}]})

    reason: Annotated[str, Text(200)] | None = None
