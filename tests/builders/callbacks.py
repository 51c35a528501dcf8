"""What the warehouse tells us of its own accord, signed as it signs; a test names only what matters to it."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx2
from sqlalchemy import text

from orders_service.gateways import Signatures
from orders_service.settings import DEVELOPMENT_SECRET
from tests.builders.shop import Shop

EVENTS = "/v1/fulfillment/events"
_AUDIT = text("SELECT actor_type, action, outcome, subject_id FROM audit_entries ORDER BY id")
NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)


def an_event(order: Any, word: str = "shipped", *, at: datetime = NOON, **data: Any) -> dict[str, Any]:
    """`an_event(order, "refused", reason="broken")`."""
    return {"type": f"order.{word}", "timestamp": at.isoformat(), "data": {"order_id": order["id"], **data}}


def signed(
    body: bytes, *, key: str | None = None, now: datetime | None = None, secret: str = DEVELOPMENT_SECRET
) -> Mapping[str, str]:
    """The three headers for these bytes."""
    return Signatures([secret]).headers(key or str(uuid4()), body.decode(), now=now or datetime.now(UTC))


async def send(shop: Shop, event: Any, *, key: str | None = None) -> httpx2.Response:
    """As the warehouse does it: signed, and without a bearer."""
    body = event if isinstance(event, bytes) else json.dumps(event).encode()
    return await shop.client(None).post(EVENTS, content=body, headers=signed(body, key=key))


async def told(shop: Shop, order: Any, word: str = "shipped", *, at: datetime = NOON, **data: Any) -> None:
    """The warehouse says so, and is heard."""
    response = await send(shop, an_event(order, word, at=at, **data))
    assert response.status_code == 202, response.text


async def completed(shop: Shop, order: dict[str, Any] | None = None, **options: Any) -> Any:
    """An order that the warehouse has accepted."""
    placed = await shop.placed(order, **options)
    await shop.run_to_the_end()
    shown = await shop.shown(placed)
    assert shown["status"] == "completed"
    return shown


def audited(shop: Shop, order: Any) -> list[tuple[str, str, str]]:
    """Actor type, action and outcome of what was written down of the order, oldest first."""
    return [
        (actor_type, action, outcome)
        for actor_type, action, outcome, subject in shop.rows(_AUDIT)
        if subject == order["id"]
    ]
