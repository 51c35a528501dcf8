"""What was sold by day and by product: counted day by day, in parts, with memory for the sums only."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from typing import TypeAlias

from orders_service import inventory, orders
from orders_service.reports.contents import MOST_PRODUCTS, DaySales, SalesResult, SalesTotal, SoldProduct, Sum
from orders_service.reports.pace import Pace
from orders_service.reports.ranking import largest_of_each_currency
from orders_service.reports.requests import ReportRequest
from pipelines import ReadSession


@dataclass(slots=True)
class _Tally:
    orders: int = 0
    units: int = 0
    amount: int = 0


_ByDay: TypeAlias = defaultdict[tuple[date, str], _Tally]
_ByProduct: TypeAlias = defaultdict[tuple[str, str], _Tally]


def count_sales(session: ReadSession, request: ReportRequest, pace: Pace) -> SalesResult:
    """Days of the request's time zone. Raises what `pace` raises."""
    days = list(request.period.days())
    by_day, by_product = _ByDay(_Tally), _ByProduct(_Tally)
    for place, day in enumerate(days):
        for part in orders.parts_of(session, day.since, day.until):
            pace.at(place, len(days))
            _count(session, part, day.date, by_day, by_product)
    products = largest_of_each_currency(by_product, MOST_PRODUCTS)
    names = inventory.names_of(session, list(dict.fromkeys(sku for sku, _ in products)))
    return SalesResult(
        totals=_totals(by_day),
        days=_by_day([day.date for day in days], by_day),
        products=tuple(_product(key, by_product[key], names.get(key[0])) for key in products),
        products_left_out=len(by_product) - len(products),
    )


def _count(session: ReadSession, part: orders.Part, day: date, by_day: _ByDay, by_product: _ByProduct) -> None:
    for sales in orders.sales_in(session, part):
        of_day = by_day[day, sales.currency]
        of_day.orders += sales.orders
        of_day.amount += sales.amount
    for sold in orders.sales_by_product(session, part):
        by_day[day, sold.currency].units += sold.units
        of_product = by_product[sold.sku, sold.currency]
        of_product.units += sold.units
        of_product.amount += sold.amount


def _totals(by_day: _ByDay) -> tuple[SalesTotal, ...]:
    totals: defaultdict[str, _Tally] = defaultdict(_Tally)
    for (_, currency), of_day in by_day.items():
        total = totals[currency]
        total.orders += of_day.orders
        total.units += of_day.units
        total.amount += of_day.amount
    return tuple(
        SalesTotal(orders=total.orders, units=total.units, revenue=Sum(amount=total.amount, currency=currency))
        for currency, total in sorted(totals.items())
    )


def _by_day(days: list[date], by_day: _ByDay) -> tuple[DaySales, ...]:
    """Days without sales too."""
    nothing = _Tally()
    return tuple(
        DaySales(day=day, orders=tally.orders, units=tally.units, revenue=Sum(amount=tally.amount, currency=currency))
        for currency in sorted({currency for _, currency in by_day})
        for day in days
        for tally in (by_day.get((day, currency), nothing),)
    )


def _product(key: tuple[str, str], tally: _Tally, name: str | None) -> SoldProduct:
    sku, currency = key
    return SoldProduct(sku=sku, name=name, units=tally.units, revenue=Sum(amount=tally.amount, currency=currency))
