"""All that match are retried or cancelled at once: looked at first, at a pace, and to the end whatever dies."""

import asyncio
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from orders_service.operations import Action
from pipelines.journal import cancelling, filtering
from pipelines.run import DEAD_LETTERS
from tests.builders.hostile import REFUSALS, spoiled
from tests.builders.operations import audited, failed_orders, interventions
from tests.builders.shop import Shop, open_shop

ON_FIRE = {"pipeline": "fulfill-order", "error": "on fire"}


async def ask(shop: Shop, verb: str, **body: Any) -> Any:
    return await shop.api.post(f"/v1/runs/{verb}", json={"filter": {}} | body)


async def states(shop: Shop, orders: list[Any]) -> list[str]:
    return [(await shop.shown(order))["status"] for order in orders]


async def result(shop: Shop, answer: Any) -> Any:
    """What the run that steers has come to."""
    run = (await shop.api.get(answer.json()["run"]["url"])).json()
    assert (run["pipeline"], run["state"]) == ("steer-runs", "completed"), run
    return run["result"]


async def test_a_dry_run_counts_and_shows_and_changes_nothing(shop: Shop) -> None:
    orders = await failed_orders(shop, 2)
    before = shop.count("runs")
    answer = await ask(shop, "retry", filter=ON_FIRE, dry_run=True)
    assert answer.status_code == 200
    counted = answer.json()
    assert (counted["count"], counted["is_more"]) == (2, False)
    assert [run["id"] for run in counted["sample"]] == [order["run"]["id"] for order in orders]
    await shop.settled()
    assert (shop.count("runs"), shop.count("audit_entries"), interventions(shop)) == (before, 0, [])


async def test_more_than_ten_thousand_are_not_counted(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filtering, "MOST_COUNTED", 1)
    monkeypatch.setattr("orders_service.operations.schemas.MOST_COUNTED", 1)
    await failed_orders(shop, 2)
    counted = (await ask(shop, "retry", dry_run=True)).json()
    assert (counted["count"], counted["is_more"], len(counted["sample"])) == (1, True, 2)


async def test_all_that_match_are_retried_in_the_background(shop: Shop) -> None:
    orders = await failed_orders(shop, 3)
    answer = await ask(shop, "retry", filter=ON_FIRE, reason="the fire is out")
    assert answer.status_code == 202
    assert answer.headers["location"] == answer.json()["run"]["url"]
    await shop.run_to_the_end()
    assert await result(shop, answer) == {"done": 3, "left": 0}
    assert await states(shop, orders) == ["completed"] * 3


async def test_who_asked_is_in_the_audit_with_what_was_asked(shop: Shop) -> None:
    await failed_orders(shop, 1)
    answer = await ask(shop, "retry", filter=ON_FIRE, reason="the fire is out", pace_per_second=2, limit=10)
    await shop.run_to_the_end()
    [entry] = await audited(shop)
    assert (entry["actor"], entry["action"]) == ("admin", "runs_retried")
    assert (entry["subject_type"], entry["subject_id"]) == ("run", answer.json()["run"]["id"])
    assert entry["after"] == {"chosen": ON_FIRE, "reason": "the fire is out", "pace_per_second": 2, "limit": 10}
    assert interventions(shop) == [("admin", "retry_all")]


async def test_a_pace_is_kept(shop: Shop) -> None:
    orders = await failed_orders(shop, 3)
    began = shop.clock.now()
    await ask(shop, "retry", pace_per_second=0.01)
    await shop.settled()
    runs = [shop.run(order) for order in orders]
    assert [round((run.due_at - began).total_seconds(), -1) for run in runs] == [0, 100, 200]
    assert await states(shop, orders) == ["completed", "validated", "validated"]
    await shop.run_to_the_end()
    assert await states(shop, orders) == ["completed"] * 3


async def test_a_limit_is_kept(shop: Shop) -> None:
    orders = await failed_orders(shop, 3)
    answer = await ask(shop, "retry", limit=2)
    await shop.run_to_the_end()
    assert await result(shop, answer) == {"done": 2, "left": 0}
    assert await states(shop, orders) == ["completed", "completed", "failed"]


async def test_open_runs_that_match_are_cancelled_and_those_that_steer_are_not(shop: Shop) -> None:
    shop.warehouse.door.close()
    orders = [await shop.placed() for _ in range(3)]
    await shop.warehouse.door.until_somebody_waits()
    assert (await ask(shop, "cancel", dry_run=True)).json()["count"] == 3
    answer = await ask(shop, "cancel", reason="the warehouse has burned down")
    await shop.settled()
    assert await result(shop, answer) == {"done": 3, "left": 0}
    assert await states(shop, orders) == ["cancelled"] * 3
    assert {shop.run(order).reason for order in orders} == {"the warehouse has burned down"}
    assert [entry["action"] for entry in await audited(shop)] == ["runs_cancelled"]


async def test_steering_that_is_cut_short_is_finished_by_the_next_process_at_the_same_pace(
    migrated_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filtering, "SLICE", 1)
    async with open_shop(migrated_url, tmp_path) as shop:
        orders = await failed_orders(shop, 4)
        began, ahead = shop.clock.now(), shop.clock.skew_seconds
        reached = _stop_before_slice(shop, 3)
        answer = await ask(shop, "retry", pace_per_second=0.01)
        await asyncio.wait_for(reached.wait(), 10)
        shop.process.hurry()
    async with open_shop(migrated_url, tmp_path) as shop:
        shop.clock.skew_seconds = ahead
        shop.process.worker.look()
        await shop.settled()
        due = [round((shop.run(order).due_at - began).total_seconds(), -1) for order in orders]
        assert due == [0, 100, 200, 300]
        await shop.run_to_the_end()
        assert await result(shop, answer) == {"done": 4, "left": 0}
        assert await states(shop, orders) == ["completed"] * 4
        assert interventions(shop) == [("admin", "retry_all")]
        [row] = shop.rows(text("SELECT id FROM interventions"))
        assert UUID(str(row.id)) == UUID(answer.json()["run"]["id"])


def _stop_before_slice(shop: Shop, place: int) -> asyncio.Event:
    """Of what is written in slices this one does not come, and nothing after it."""
    many, reached, seen = shop.process.steering.many, asyncio.Event(), 0
    write = many._write

    async def write_some(function: Any, *args: Any) -> Any:
        nonlocal seen
        seen += 1
        if seen == place:
            reached.set()
            await asyncio.Event().wait()
        return await write(function, *args)

    many._write = write_some
    return reached


@pytest.mark.parametrize("verb", ["retry", "cancel"])
async def test_an_order_to_steer_that_nobody_means_is_refused(corner_shop: Shop, verb: str) -> None:
    good: dict[str, Any] = {"filter": ON_FIRE, "reason": "because", "dry_run": False, "limit": 5}
    bad: dict[str, list[Any]] = {
        "filter": [{"pipeline": 1}, {"states": ["lost"]}, {"states": "failed"}, {"owner": "ada"}, {"error": ""}, None]
        + [{"created_after": each} for each in ("yesterday", 1700000000, "2026-01-01T00:00:00")],
        "limit": [0, -1, 1.5, 1_000_001],
        "dry_run": ["true", 1, None],
        "reason": [" ", "x" * 501],
    }
    bodies = [*spoiled(good, but=[("dry_run", "true")])]
    for what, body in bodies:
        headers = {"Content-Type": "application/json"}
        answer = await corner_shop.api.post(f"/v1/runs/{verb}", content=body, headers=headers)
        assert answer.status_code in REFUSALS, (what, answer.text)
    for field, values in bad.items():
        for value in values:
            answer = await corner_shop.api.post(f"/v1/runs/{verb}", json=good | {field: value})
            assert answer.status_code == 422, (field, value)
    assert (await corner_shop.api.post(f"/v1/runs/{verb}", json={"dry_run": True})).status_code == 422
    assert (corner_shop.count("runs"), corner_shop.count("audit_entries")) == (0, 0)


@pytest.mark.parametrize("pace", [0, -1, 0.001, 1001, True, "20", 1e308])
async def test_a_pace_that_is_none_is_refused(corner_shop: Shop, pace: object) -> None:
    assert (await ask(corner_shop, "retry", pace_per_second=pace)).status_code == 422
    assert (await ask(corner_shop, "cancel", pace_per_second=20)).status_code == 422
    assert corner_shop.count("runs") == 0


def test_what_can_be_done_is_done_to_runs_in_the_states_that_the_journal_moves() -> None:
    assert Action.RETRY.states == DEAD_LETTERS
    assert Action.CANCEL.states == cancelling.CANCELLABLE
