"""Money as integers of the currency's smallest unit; never a fraction."""

from pydantic import BaseModel, ConfigDict, Field

LARGEST_AMOUNT = 2**53 - 1  # what every JSON reader can hold exactly


class Money(BaseModel):
    """An amount in minor units (cents for EUR, yen for JPY) and its ISO 4217 currency."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, json_schema_extra={"examples": [{"amount": 1999, "currency": "EUR"}]}
    )

    amount: int = Field(ge=0, le=LARGEST_AMOUNT)
    currency: str = Field(pattern="^[A-Z]{3}$")

    def __str__(self) -> str:
        return f"{decimal_of(self.amount, self.currency)} {self.currency}"


_DIGITS = {"JPY": 0, "KRW": 0, "ISK": 0, "CLP": 0, "VND": 0, "KWD": 3, "BHD": 3, "OMR": 3, "JOD": 3, "TND": 3}


def decimal_of(amount: int, currency: str) -> str:
    """An amount as people write it, exactly: 1999 in EUR is 19.99."""
    digits = _DIGITS.get(currency, 2)
    whole, part = divmod(amount, 10**digits)
    return f"{whole}.{part:0{digits}d}" if digits else str(whole)
