"""An event arrives: judged by its signature, read strictly, and stored together with the run that applies it."""

import re
from collections.abc import Mapping

from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from orders_service import orders
from orders_service.fulfillment import queries
from orders_service.fulfillment.applying import StoredEvent, apply_event
from orders_service.fulfillment.schemas import WarehouseEvent
from orders_service.problems import Problem
from orders_service.strict_json import loads
from pipelines import Transaction, start

_WEBHOOK_ID = re.compile(r"[!-\-/-~]{1,255}")  # printable ASCII without the dot, which separates what is signed


def webhook_id_of(headers: Mapping[str, str]) -> str:
    """The id under which the event may come again. Problem `malformed-request` for what is none."""
    webhook_id = headers.get("webhook-id", "")
    if not _WEBHOOK_ID.fullmatch(webhook_id):
        raise Problem("malformed-request", "webhook-id is 1 to 255 printable ASCII characters without a dot.")
    return webhook_id


def read_event(body: bytes) -> WarehouseEvent:
    """What the bytes say. Raises what a body of any other route would."""
    try:
        return WarehouseEvent.model_validate(loads(body))
    except ValidationError as error:
        raise RequestValidationError([{**each, "loc": ("body", *each["loc"])} for each in error.errors()]) from None


def receive_event(tx: Transaction, webhook_id: str, event: StoredEvent) -> bool:
    """Whether it is new; then a run applies it. Raises `UnknownOrder`, and stores nothing, so it may come again."""
    if queries.is_known(tx, webhook_id):
        return False
    orders.must_exist(tx, event.order_id)
    run_id = start(tx, apply_event, event, serial=str(event.order_id))
    queries.add(
        tx,
        {
            "webhook_id": webhook_id,
            "order_id": event.order_id,
            "type": event.type,
            "run_id": run_id,
            "received_at": tx.home.clock.now(),
        },
    )
    return True
