"""A result as a page: what is on it, before it is HTML."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from orders_service.money import decimal_of
from orders_service.reports.charts import Chart, chart
from orders_service.reports.contents import (
    CustomerEntry,
    CustomersResult,
    CustomersTotal,
    DaySales,
    Result,
    SalesResult,
    SalesTotal,
    SoldProduct,
    StockResult,
)

MOST_SHOWN = 100  # the rest is in the table file
_MOST_BARS = 10


@dataclass(frozen=True, slots=True)
class Column:
    """The head of a column, and whether numbers are under it."""

    name: str
    numbers: bool = True


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Section:
    """What belongs together: all of one currency, or all of the stock."""

    heading: str
    figures: tuple[tuple[str, str], ...]
    charts: tuple[Chart, ...]
    tables: tuple[Table, ...]


def sections_of(result: Result) -> list[Section]:
    """One for each currency: two are neither added nor compared."""
    match result:
        case SalesResult():
            return [_sales(result, total) for total in result.totals]
        case CustomersResult():
            return [_customers(result, total) for total in result.totals]
        case StockResult():
            return [_stock(result)]


def _sales(result: SalesResult, total: SalesTotal) -> Section:
    currency = total.revenue.currency
    money = partial(decimal_of, currency=currency)
    days = [each for each in result.days if each.revenue.currency == currency]
    products = [each for each in result.products if each.revenue.currency == currency]
    by_day = [(each.day.isoformat(), each.revenue.amount) for each in days]
    by_product = [(each.name or each.sku, each.revenue.amount) for each in products[:_MOST_BARS]]
    return Section(
        heading=currency,
        figures=(("Revenue", str(total.revenue)), ("Orders", str(total.orders)), ("Units", str(total.units))),
        charts=(
            chart(f"Revenue by day, {currency}", by_day, money, columns=True),
            chart(f"Revenue by product, {currency}", by_product, money),
        ),
        tables=(_products(products), _days(days)),
    )


def _products(products: Sequence[SoldProduct]) -> Table:
    columns = (Column("Product", numbers=False), Column("SKU", numbers=False), Column("Units"), Column("Revenue"))
    rows = ((each.name or "no longer sold", each.sku, str(each.units), str(each.revenue)) for each in products)
    return _table("By product", columns, rows, len(products))


def _days(days: Sequence[DaySales]) -> Table:
    columns = (Column("Day", numbers=False), Column("Orders"), Column("Units"), Column("Revenue"))
    rows = ((each.day.isoformat(), str(each.orders), str(each.units), str(each.revenue)) for each in days)
    return Table("By day", columns, tuple(rows))


def _customers(result: CustomersResult, total: CustomersTotal) -> Section:
    currency = total.spent.currency
    customers = [each for each in result.customers if each.spent.currency == currency]
    spent = [(each.email, each.spent.amount) for each in customers[:_MOST_BARS]]
    return Section(
        heading=currency,
        figures=(("Spent", str(total.spent)), ("Customers", str(total.customers)), ("Orders", str(total.orders))),
        charts=(chart(f"Spent by customer, {currency}", spent, partial(decimal_of, currency=currency)),),
        tables=(_buyers(customers, total.customers),),
    )


def _buyers(customers: Sequence[CustomerEntry], count: int) -> Table:
    columns = (Column("Customer", numbers=False), Column("Orders"), Column("Spent"))
    return _table(
        "By customer", columns, ((each.email, str(each.orders), str(each.spent)) for each in customers), count
    )


def _stock(result: StockResult) -> Section:
    available = [(each.name, each.available) for each in result.products[:_MOST_BARS]]
    columns = (Column("Product", numbers=False), Column("SKU", numbers=False), Column("Available"), Column("Reserved"))
    rows = ((each.name, each.sku, str(each.available), str(each.reserved)) for each in result.products)
    return Section(
        heading=f"As of {result.as_of:%Y-%m-%d %H:%M} UTC",
        figures=(("In stock", str(result.products_in_stock)), ("Out of stock", str(result.products_out_of_stock))),
        charts=(chart("Available, what runs out first", available, str),),
        tables=(_table("What runs out first", columns, rows, len(result.products) + result.products_left_out),),
    )


def _table(caption: str, columns: tuple[Column, ...], rows: Iterable[tuple[str, ...]], count: int) -> Table:
    shown = tuple(rows)[:MOST_SHOWN]
    return Table(caption, columns, shown, count - len(shown))
