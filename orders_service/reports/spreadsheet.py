"""A result as a CSV file that programs can read, and that does nothing when a spreadsheet opens it."""

from collections.abc import Iterator

from orders_service.reports.contents import CustomersResult, Result, SalesResult, StockResult, Sum
from orders_service.spreadsheets import csv_lines

Row = tuple[object, ...]


def as_csv(result: Result) -> str:
    """One header, everything quoted; what a spreadsheet would take for a formula has a `'` before it."""
    return csv_lines(_rows(result))


def _rows(result: Result) -> Iterator[Row]:
    match result:
        case SalesResult():
            yield from _sales(result)
        case StockResult():
            yield ("sku", "name", "available", "reserved")
            yield from ((each.sku, each.name, each.available, each.reserved) for each in result.products)
        case CustomersResult():
            yield ("email", "orders", "spent", "minor_units", "currency")
            yield from ((each.email, each.orders, *_money(each.spent)) for each in result.customers)


def _sales(result: SalesResult) -> Iterator[Row]:
    """Two tables in one: a row is a day's, or a product's."""
    yield ("of", "day", "sku", "name", "orders", "units", "revenue", "minor_units", "currency")
    for day in result.days:
        yield ("day", day.day, None, None, day.orders, day.units, *_money(day.revenue))
    for product in result.products:
        yield ("product", None, product.sku, product.name, None, product.units, *_money(product.revenue))


def _money(amount: Sum) -> Row:
    return (amount.written, amount.amount, amount.currency)
