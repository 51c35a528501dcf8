"""What operators find: orders whose runs have failed, and who did what about it."""

from typing import Any

from sqlalchemy import text

from tests.builders.shop import Shop

RETRIED = "run_retried"


async def failed_orders(shop: Shop, count: int) -> list[Any]:
    """So many orders that the warehouse would not take, each undone and failed; it would take them now."""
    orders = []
    for _ in range(count):
        shop.warehouse.door.troubles = [RuntimeError("the warehouse is on fire")]
        orders.append(await shop.placed())
        await shop.run_to_the_end()
    return orders


async def audited(shop: Shop) -> list[Any]:
    """All entries, oldest first, as they are shown."""
    answer = await shop.api.get("/v1/audit", params={"limit": 200})
    assert answer.status_code == 200, answer.text
    return list(reversed(answer.json()["items"]))


def interventions(shop: Shop) -> list[Any]:
    """What the journal itself has written down: who, and what."""
    return [tuple(row) for row in shop.rows(text("SELECT actor, action FROM interventions ORDER BY at, id"))]
