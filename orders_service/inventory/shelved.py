"""A product together with its stock, as it is at one moment."""

from dataclasses import dataclass
from datetime import datetime

from orders_service.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelved:
    """What we know of one product; `version` counts the changes that people made."""

    sku: str
    name: str
    price_amount: int
    price_currency: str
    available: int
    reserved: int = 0
    consumed: int = 0
    version: int = 1
    updated_at: datetime | None = None
    removed_at: datetime | None = None

    @property
    def price(self) -> Money:
        return Money(amount=self.price_amount, currency=self.price_currency)

    @property
    def etag(self) -> str:
        """Moves with every change of what is shown: orders take from what is available, and make no version."""
        return f'"{self.version}.{self.available}"'
