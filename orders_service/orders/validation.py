"""What the shop accepts: rules of the business, checked in the background and told to the customer as a reason."""

from collections.abc import Mapping

from orders_service.disposable_domains import DISPOSABLE_DOMAINS, domain_of
from orders_service.money import Money
from orders_service.orders.placed import PlacedOrder
from pipelines import Reject

LARGEST_TOTAL = 5_000_000  # minor units: what a person should look at before it is shipped
LARGEST_LINE = 10_000


def check(order: PlacedOrder, prices: Mapping[str, Money]) -> None:
    """Customer, lines, totals and limits, in this order. Raises `Reject` with the first reason found."""
    _check_customer(order)
    _check_lines(order, prices)
    _check_total(order)


def _check_customer(order: PlacedOrder) -> None:
    domain = domain_of(order.customer_email)
    if domain in DISPOSABLE_DOMAINS:
        raise Reject(f"we do not deliver to customers at {domain}")


def _check_lines(order: PlacedOrder, prices: Mapping[str, Money]) -> None:
    for item in order.items:
        if item.sku not in prices:
            raise Reject(f"{item.sku} is no longer sold")
        if prices[item.sku] != item.price:
            raise Reject(f"the price of {item.sku} has changed from {item.price} to {prices[item.sku]}")
        if item.quantity > LARGEST_LINE:
            raise Reject(f"{item.quantity} of {item.sku} are more than we ship at once ({LARGEST_LINE})")


def _check_total(order: PlacedOrder) -> None:
    expected = sum(item.price.amount * item.quantity for item in order.items)
    if order.total.amount != expected:
        raise Reject(f"the total is {order.total}, but its lines add up to {expected} minor units")
    if order.total.amount > LARGEST_TOTAL:
        raise Reject(f"orders over {Money(amount=LARGEST_TOTAL, currency=order.total.currency)} need a phone call")
