"""Which run is meant: people have the id of an order in their hands as often as that of a run."""

from typing import Any
from urllib.parse import quote

from orders_service.client import Client, ServiceRefused

RUNS, ORDERS = "/v1/runs", "/v1/orders"


def run_path(run_id: str) -> str:
    return f"{RUNS}/{quote(run_id, safe='')}"


def order_path(order_id: str) -> str:
    return f"{ORDERS}/{quote(order_id, safe='')}"


def find_run(client: Client, run_or_order: str) -> Any:
    """The run of this id, or the one that fulfills the order of this id. Raises `ServiceRefused`."""
    try:
        return client.get(run_path(run_or_order))
    except ServiceRefused as refused:
        order = order_of(client, run_or_order, refused)
    return client.get(run_path(order["run"]["id"]))


def order_of(client: Client, run_or_order: str, refused: ServiceRefused) -> Any:
    """Where there was no run of this id, the order of this id. Raises what was refused before, if there is none."""
    if refused.code != "not-found":
        raise refused
    try:
        return client.get(order_path(run_or_order))
    except ServiceRefused:
        raise refused from None
