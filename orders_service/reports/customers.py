"""Who has bought, how often, and for how much."""

from collections import Counter, defaultdict
from dataclasses import dataclass

from orders_service import orders
from orders_service.reports.contents import MOST_CUSTOMERS, CustomerEntry, CustomersResult, CustomersTotal, Sum
from orders_service.reports.pace import Pace
from orders_service.reports.ranking import largest_of_each_currency
from orders_service.reports.requests import ReportRequest
from pipelines import ReadSession, Reject

MOST_COUNTED = 200_000  # held in memory while counting: about 60 MB


@dataclass(slots=True)
class _Tally:
    orders: int = 0
    amount: int = 0


def count_customers(session: ReadSession, request: ReportRequest, pace: Pace) -> CustomersResult:
    """An address is one customer, in whatever case it is written. Raises `Reject`, and what `pace` raises."""
    days = list(request.period.days())
    found: defaultdict[tuple[str, str], _Tally] = defaultdict(_Tally)
    for place, day in enumerate(days):
        for part in orders.parts_of(session, day.since, day.until):
            pace.at(place, len(days))
            for sales in orders.sales_by_customer(session, part):
                tally = found[sales.email.casefold(), sales.currency]
                tally.orders += sales.orders
                tally.amount += sales.amount
            if len(found) > MOST_COUNTED:
                raise Reject(f"more than {MOST_COUNTED} customers have bought in this time: ask for less of it")
    first = largest_of_each_currency(found, MOST_CUSTOMERS)
    return CustomersResult(
        totals=_totals(found),
        customers=tuple(_entry(key, found[key]) for key in first),
        customers_left_out=len(found) - len(first),
    )


def _totals(found: defaultdict[tuple[str, str], _Tally]) -> tuple[CustomersTotal, ...]:
    customers = Counter(currency for _, currency in found)
    totals: defaultdict[str, _Tally] = defaultdict(_Tally)
    for (_, currency), tally in found.items():
        totals[currency].orders += tally.orders
        totals[currency].amount += tally.amount
    return tuple(
        CustomersTotal(
            customers=customers[currency], orders=total.orders, spent=Sum(amount=total.amount, currency=currency)
        )
        for currency, total in sorted(totals.items())
    )


def _entry(key: tuple[str, str], tally: _Tally) -> CustomerEntry:
    email, currency = key
    return CustomerEntry(email=email, orders=tally.orders, spent=Sum(amount=tally.amount, currency=currency))
