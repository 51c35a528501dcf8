"""`orders orders`: what was ordered, and how far it has come."""

from typing import Annotated, Any

import typer

from orders_service.commands import options
from orders_service.commands.lists import newest, say_if_there_is_more
from orders_service.commands.options import AsJson, Reason, Url, connect, given
from orders_service.commands.run_lookup import ORDERS, order_path
from orders_service.commands.showing import moment, say, show_json, show_table

orders = typer.Typer(help="What was ordered, and how far it has come.", no_args_is_help=True)

OrderId = Annotated[str, typer.Argument(metavar="ORDER", help="The order's id.")]


@orders.command("list")
def list_orders(
    *,
    status: Annotated[list[str] | None, typer.Option(help="Of this status; give it several times.")] = None,
    created_after: options.After = None,
    created_before: options.Before = None,
    limit: options.Most = 50,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """List orders, newest first; an admin sees everybody's."""
    which = given(status=status, created_after=created_after, created_before=created_before)
    page = newest(connect(url), ORDERS, most=limit, **which)
    if as_json:
        show_json(page)
        return
    headings = ("ID", "STATUS", "CREATED", "CUSTOMER", "TOTAL", "ITEMS", "REASON")
    show_table(headings, map(_row, page["items"]), empty="There are no such orders.")
    say_if_there_is_more(page)


@orders.command()
def show(order_id: OrderId, *, url: Url = None, as_json: AsJson = False) -> None:
    """Show an order."""
    order = connect(url).get(order_path(order_id))
    if as_json:
        show_json(order)
        return
    for name, value in _facts(order):
        say(f"{name:<10}{value}")
    say("")
    rows = [(item["sku"], item["quantity"], _money(item["price"])) for item in order["items"]]
    show_table(("SKU", "QUANTITY", "PRICE"), rows, empty="It is empty.")


@orders.command()
def cancel(order_id: OrderId, *, reason: Reason = None, url: Url = None, as_json: AsJson = False) -> None:
    """Take an order back, as long as nothing of it has been shipped. What the warehouse has, it is asked for."""
    order = connect(url).call("POST", f"{order_path(order_id)}/cancel", given(reason=reason))
    if as_json:
        show_json(order)
    elif order["cancellation"] is None:
        say(f"Order {order['id']} is {order['status']}.")
    else:
        run = order["cancellation"]["id"]
        say(f"The warehouse has order {order['id']}, and is asked. Follow it: orders runs watch {run}")


def _row(order: dict[str, Any]) -> tuple[object, ...]:
    items = ", ".join(f"{item['quantity']} {item['sku']}" for item in order["items"])
    created, total = moment(order["created_at"]), _money(order["total"])
    return order["id"], order["status"], created, order["customer_email"], total, items, order["reason"]


def _facts(order: dict[str, Any]) -> list[tuple[str, object]]:
    address = order["shipping_address"]
    parts = ("name", "line1", "line2", "postal_code", "city", "country")
    facts = [
        ("Order", order["id"]),
        ("Status", order["status"]),
        ("Reason", order["reason"]),
        ("Customer", order["customer_email"]),
        ("Goes to", ", ".join(address[part] for part in parts if address[part])),
        ("Total", _money(order["total"])),
        ("Created", moment(order["created_at"])),
        ("Shipped", moment(order["shipped_at"])),
        ("Delivered", moment(order["delivered_at"])),
        ("Run", order["run"]["id"]),
        ("Asked back", order["cancellation"] and order["cancellation"]["id"]),
    ]
    return [(name, value) for name, value in facts if value]


def _money(money: dict[str, Any]) -> str:
    from orders_service.money import decimal_of  # noqa: PLC0415 - pydantic is slow to import

    return f"{decimal_of(money['amount'], money['currency'])} {money['currency']}"
