"""Looking at all endpoints costs little, however much was sent to them."""

from datetime import timedelta
from uuid import UUID, uuid4

from sqlalchemy import insert

from orders_service.subscriptions import survey_queries
from orders_service.subscriptions.tables import WebhookDelivery
from pipelines import Transaction
from tests.builders.shop import Shop
from tests.builders.subscriptions import subscribed
from tests.harness.plans import plan_of


async def delivered(shop: Shop, endpoint_id: UUID, count: int) -> None:
    def add(tx: Transaction) -> None:
        now = tx.home.clock.now()
        kept = {"endpoint_id": endpoint_id, "event_type": "order.accepted", "state": "delivered", "resent_as": None}
        rows = [
            kept | {"id": uuid4(), "run_id": uuid4(), "webhook_id": uuid4(), "created_at": now, "finished_at": now}
            for _ in range(count)
        ]
        tx.execute(insert(WebhookDelivery), rows)

    await shop.process.write(add)


async def test_counting_stops_where_more_would_say_no_more(shop: Shop) -> None:
    endpoint = await subscribed(shop.api)
    await delivered(shop, UUID(endpoint["id"]), survey_queries.MOST_COUNTED + 5)
    now = shop.clock.now()
    standing = shop.read(
        lambda session: survey_queries.newest(
            session, since=now - timedelta(days=1), late=now - timedelta(minutes=1), before=None, most=1
        )[0]
    )
    assert standing[1:] == (survey_queries.MOST_COUNTED, 0, 0, 0)


async def test_deliveries_are_counted_by_an_index(shop: Shop) -> None:
    endpoint = await subscribed(shop.api)
    await delivered(shop, UUID(endpoint["id"]), 3000)
    await delivered(shop, uuid4(), 3000)
    now = shop.clock.now()
    bound = {
        "since": now,
        "late": now,
    }
    plan = plan_of(shop.process.readers, survey_queries.STANDINGS, bound)
    assert plan.count("ix_webhook_deliveries_finished") == 4, plan
    assert "Seq Scan on webhook_deliveries" not in plan
    assert "SCAN webhook_deliveries" not in plan
