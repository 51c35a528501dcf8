"""What a report says: stored with it, shown by the API, and all that its files are made of.

Amounts are whole minor units of one currency. Nothing here adds or compares two currencies.
"""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from orders_service.money import decimal_of

MOST_PRODUCTS = 5000  # what is stored, answered and rendered stays below a megabyte
MOST_CUSTOMERS = 1000


class ReportType(StrEnum):
    """What there is to report on."""

    SALES = "sales"
    STOCK = "stock"
    CUSTOMERS = "customers"


class _Content(BaseModel):
    model_config = ConfigDict(frozen=True)


class Sum(_Content):
    """A sum of money in minor units; unlike that of one order it may be larger than 2**53."""

    amount: int
    currency: str

    @property
    def written(self) -> str:
        """For people: 19.99."""
        return decimal_of(self.amount, self.currency)

    def __str__(self) -> str:
        return f"{self.written} {self.currency}"


class SalesTotal(_Content):
    """What was sold in one currency."""

    orders: int
    units: int
    revenue: Sum


class DaySales(_Content):
    """What was sold in one currency on one day of the time zone."""

    day: date
    orders: int
    units: int
    revenue: Sum


class SoldProduct(_Content):
    """What was sold of one product in one currency. The name is null when it has left the catalog."""

    sku: str
    name: str | None
    units: int
    revenue: Sum


class SalesResult(_Content):
    """Completed, shipped and delivered orders, by the day on which they were placed, and by product."""

    type: Literal[ReportType.SALES] = ReportType.SALES
    totals: tuple[SalesTotal, ...]
    days: tuple[DaySales, ...] = Field(description="Each day, for each currency that anything was sold in.")
    products: tuple[SoldProduct, ...] = Field(description="By currency, the largest revenue first.")
    products_left_out: int = Field(default=0, description=f"Only {MOST_PRODUCTS} of each currency are listed.")


class ShelfEntry(_Content):
    """How many of a product may be sold, and how many are held for orders."""

    sku: str
    name: str
    available: int
    reserved: int


class StockResult(_Content):
    """What is on the shelves at the moment of the report, whatever range was asked for."""

    type: Literal[ReportType.STOCK] = ReportType.STOCK
    as_of: datetime
    products_in_stock: int
    products_out_of_stock: int
    products: tuple[ShelfEntry, ...] = Field(description="What runs out first comes first.")
    products_left_out: int = Field(default=0, description=f"Only {MOST_PRODUCTS} are listed.")


class CustomersTotal(_Content):
    """What all customers have spent in one currency."""

    customers: int
    orders: int
    spent: Sum


class CustomerEntry(_Content):
    """What one customer has spent in one currency."""

    email: str
    orders: int
    spent: Sum


class CustomersResult(_Content):
    """Completed, shipped and delivered orders by customer: an address, in whatever case it was written."""

    type: Literal[ReportType.CUSTOMERS] = ReportType.CUSTOMERS
    totals: tuple[CustomersTotal, ...]
    customers: tuple[CustomerEntry, ...] = Field(description="By currency, who has spent most first.")
    customers_left_out: int = Field(default=0, description=f"Only {MOST_CUSTOMERS} of each currency are listed.")


Result: TypeAlias = Annotated[SalesResult | StockResult | CustomersResult, Field(discriminator="type")]
_RESULT: TypeAdapter[Result] = TypeAdapter(Result)


class ReportContent(_Content):
    """A result on its way from one step to the next.

    Written already: neither the event loop nor the committer should spend its time on that.
    """

    stored: str
    figures: tuple[str, ...]


def written(result: Result) -> str:
    """As it is stored."""
    return _RESULT.dump_json(result).decode()


def read(stored: str) -> Result:
    return _RESULT.validate_json(stored)
