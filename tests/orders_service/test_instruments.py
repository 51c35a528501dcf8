"""What the whole service tells Prometheus."""

from pathlib import Path

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from orders_service.background import schedules_of
from orders_service.settings import Settings
from tests.builders.orders import an_order
from tests.builders.shop import Shop, between_ticks, open_shop
from tests.harness.scrape import OPEN_METRICS, samples_of


async def scraped(shop: Shop, name: str) -> dict[frozenset[tuple[str, str]], float]:
    """The samples of this name, by their labels."""
    answer = await shop.api.get("/metrics", headers=OPEN_METRICS)
    samples = samples_of(answer.text)
    return {frozenset(sample.labels.items()): sample.value for sample in samples if sample.name == name}


def labelled(**labels: str) -> frozenset[tuple[str, str]]:
    return frozenset(labels.items())


async def test_an_answer_that_was_given_before_counts_as_a_replay(corner_shop: Shop) -> None:
    for _ in range(3):
        await corner_shop.api.post("/v1/orders", json=an_order(), headers={"Idempotency-Key": "once"})
    replays = await scraped(corner_shop, "orders_idempotent_replays_total")
    assert replays[labelled(route="/v1/orders")] == 2
    assert replays[labelled(route="/v1/reports")] == 0


async def test_the_mail_and_the_webhook_of_an_order_are_counted(corner_shop: Shop) -> None:
    await corner_shop.placed()
    await corner_shop.run_to_the_end()
    mails = await scraped(corner_shop, "orders_mails_total")
    webhooks = await scraped(corner_shop, "orders_webhook_deliveries_total")
    assert mails[labelled(template="order.confirmed", outcome="sent")] == 1
    assert webhooks[labelled(event="order.fulfillment_requested", outcome="sent")] == 1


async def test_all_schedules_are_there_before_they_have_fired(sqlite_url: str, tmp_path: Path) -> None:
    schedules = schedules_of(Settings())
    async with open_shop(sqlite_url, tmp_path, schedules=schedules, clock=between_ticks()) as shop:
        for name in ("pipeline_schedule_last_success_timestamp_seconds", "pipeline_schedule_fires_total"):
            assert await scraped(shop, name) == {labelled(schedule=each.name): 0 for each in schedules}


async def test_the_build_is_named(sqlite_url: str, tmp_path: Path) -> None:
    async with open_shop(sqlite_url, tmp_path, commit="abc1234") as shop:
        assert await scraped(shop, "orders_build_info") == {labelled(version=shop.app.version, commit="abc1234"): 1}


async def test_connections_for_reading_are_shown(corner_shop: Shop) -> None:
    await corner_shop.api.get("/v1/orders")
    connections = await scraped(corner_shop, "orders_db_pool_connections")
    assert sum(connections.values()) >= 1


async def test_nobody_is_told_when_series_were_created(corner_shop: Shop) -> None:
    assert "_created" not in (await corner_shop.api.get("/metrics", headers=OPEN_METRICS)).text


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("orders_http_request_duration_seconds", 'method="POST",route="/v1/orders"'),
        ("pipeline_step_duration_seconds", 'pipeline="fulfill-order",step="notify_warehouse"'),
    ],
)
async def test_buckets_name_a_trace_while_traces_are_made(
    name: str, labels: str, sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", TracerProvider())
    async with open_shop(sqlite_url, tmp_path) as shop:
        await shop.placed()
        await shop.run_to_the_end()
        lines = (await shop.api.get("/metrics", headers=OPEN_METRICS)).text.splitlines()
    assert [line for line in lines if line.startswith(name) and labels in line and "trace_id" in line]
