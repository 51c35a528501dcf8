"""What clients send and see of products and their stock."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from pydantic.functional_validators import AfterValidator
from pydantic_core import PydanticCustomError

from orders_service.inventory.shelved import Shelved
from orders_service.inventory.tables import StockMovement
from orders_service.money import Money
from orders_service.pages import Limit, Page
from orders_service.strict_models import StrictModel, Text

MOST_AVAILABLE = 2**53 - 1  # what every JSON reader can hold exactly

_LAMP: dict[str, Any] = {"name": "Desk lamp", "price": {"amount": 1999, "currency": "EUR"}, "available": 100}
_SHOWN = {"sku": "LAMP-01", **_LAMP, "version": 3, "updated_at": "2026-11-28T12:00:00Z"}
_MOVED: dict[str, Any] = {
    "id": "01a1fccd-1aee-748f-9e6d-a53a446f6bc9",
    "at": "2026-11-28T12:00:00Z",
    "change": -3,
    "reason": "broken in the warehouse",
    "actor": "admin",
}


class ProductDraft(StrictModel):
    """A product as it is to be sold from now on."""

    model_config = ConfigDict(json_schema_extra={"examples": [_LAMP]})

    name: Annotated[str, Text(200)]
    price: Money
    available: int = Field(ge=0, le=MOST_AVAILABLE, description="Besides those that are held for orders.")


class ProductView(BaseModel):
    """A product as everybody sees it."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [_SHOWN]})

    sku: str
    name: str
    price: Money
    version: int = Field(description="Counts the changes that people made; orders make none.")
    updated_at: datetime | None
    available: int  # last, where a page that was rendered before gets what is available now

    @classmethod
    def of(cls, product: Shelved) -> Self:
        return cls(
            sku=product.sku,
            name=product.name,
            price=product.price,
            version=product.version,
            updated_at=product.updated_at,
            available=product.available,
        )


def _not_zero(change: int) -> int:
    if change == 0:
        raise PydanticCustomError("no_change", "A change should not be 0")
    return change


class StockAdjustment(StrictModel):
    """So many came, or went otherwise than by an order."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"change": -3, "reason": "broken in the warehouse"}]})

    change: Annotated[int, Field(ge=-MOST_AVAILABLE, le=MOST_AVAILABLE), AfterValidator(_not_zero)]
    reason: Annotated[str, Text(200)]


class MovementView(BaseModel):
    """So many came or went by somebody's word."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [_MOVED]})

    id: UUID
    at: datetime
    change: int
    reason: str
    actor: str

    @classmethod
    def of(cls, movement: StockMovement) -> Self:
        return cls(**movement.model_dump(exclude={"sku"}))


class AdjustedProduct(ProductView):
    """The product after the adjustment, and what was written down of it."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [{**_SHOWN, "movement": _MOVED}]})

    movement: MovementView


class StockView(Page[MovementView]):
    """All there is of a product, and what came and went, newest first: `available + reserved + consumed` of it."""

    model_config = ConfigDict(
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "sku": "LAMP-01",
                    "available": 97,
                    "reserved": 2,
                    "consumed": 1,
                    "removed_at": None,
                    "items": [_MOVED],
                    "next": None,
                }
            ]
        },
    )

    sku: str
    available: int = Field(description="May be ordered.")
    reserved: int = Field(description="Held for orders that are open, or that the warehouse has accepted.")
    consumed: int = Field(description="Shipped.")
    removed_at: datetime | None = Field(description="Since when it is not sold any more.")


class ProductList(StrictModel):
    """Which products to list."""

    cursor: str | None = Field(default=None, max_length=500)
    limit: Limit = Field(default=50, strict=False)


class MovementList(StrictModel):
    """Which movements to list."""

    cursor: str | None = Field(default=None, max_length=500)
    limit: Limit = Field(default=50, strict=False)
