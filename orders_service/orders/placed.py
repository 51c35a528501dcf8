"""An order as its pipeline carries it."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from orders_service.money import Money
from orders_service.orders.schemas import Address, PricedItem


class PlacedOrder(BaseModel):
    """Stored with the run, and read by the code of a later release: a new field needs a default."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    customer_email: str
    items: tuple[PricedItem, ...]
    total: Money
    shipping_address: Address
    placed_at: datetime
    principal: str = ""  # whose purchase it is; unknown of orders from before there were accounts
