"""Runs are listed for whoever operates the service: by pipeline, state, step, error and time, a page at a time."""

from datetime import timedelta
from typing import Any

import pytest

from orders_service.auth import Scope
from orders_service.gateways import WarehouseUnavailable
from tests.builders.operations import failed_orders
from tests.builders.shop import Shop


async def listed(shop: Shop, **asked: Any) -> list[Any]:
    answer = await shop.api.get("/v1/runs", params=asked)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


async def in_three_states(shop: Shop) -> dict[str, str]:
    """A run that failed, one that completed, and one that waits; by their state."""
    [failed] = await failed_orders(shop, 1)
    completed = await shop.placed()
    await shop.settled()
    shop.warehouse.door.troubles = [WarehouseUnavailable("503")]
    waiting = await shop.placed()
    await shop.settled()
    return {
        state: order["run"]["id"]
        for state, order in {"failed": failed, "completed": completed, "waiting": waiting}.items()
    }


async def test_runs_are_listed_newest_first(shop: Shop) -> None:
    runs = await in_three_states(shop)
    found = [run["id"] for run in await listed(shop, pipeline="fulfill-order")]
    assert found == [runs["waiting"], runs["completed"], runs["failed"]]
    assert [run["pipeline"] for run in await listed(shop)].count("tell-customer") == 1


async def test_a_run_that_waits_says_which_attempt_comes_when_and_what_went_wrong(shop: Shop) -> None:
    runs = await in_three_states(shop)
    [run] = await listed(shop, state="waiting")
    assert (run["id"], run["url"]) == (runs["waiting"], f"/v1/runs/{runs['waiting']}")
    assert (run["step"], run["attempt"], run["most_attempts"]) == ("notify_warehouse", 2, 8)
    assert (run["error"], run["finished_at"]) == ("WarehouseUnavailable: 503", None)
    assert run["due_at"] > run["created_at"]


async def test_a_run_that_has_ended_says_how(shop: Shop) -> None:
    await in_three_states(shop)
    [run] = await listed(shop, state="failed")
    assert (run["attempt"], run["most_attempts"], run["due_at"]) == (None, None, None)
    assert run["error"] == "RuntimeError: the warehouse is on fire"
    assert run["finished_at"] > run["created_at"]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"state": ["failed", "waiting"]}, {"failed", "waiting"}),
        ({"state": "cancelled"}, set()),
        ({"pipeline": "fulfill-order"}, {"failed", "waiting", "completed"}),
        ({"pipeline": "fulfill-order", "state": "completed"}, {"completed"}),
        ({"pipeline": "remove-upload"}, set()),
        ({"step": "notify_warehouse", "state": ["waiting", "completed"]}, {"waiting"}),
        ({"error": "on fire"}, {"failed"}),
        ({"error": "100 %"}, set()),
        ({"pipeline": "fulfill-order", "created_after": "2020-01-01T00:00:00Z"}, {"failed", "waiting", "completed"}),
        ({"created_before": "2020-01-01T00:00:00Z"}, set()),
        ({"created_after": "0001-01-01T00:00:00Z", "created_before": "9999-12-31T23:59:59Z", "limit": 1}, {"waiting"}),
    ],
)
async def test_what_is_asked_for_is_found(shop: Shop, asked: dict[str, Any], expected: set[str]) -> None:
    runs = await in_three_states(shop)
    assert {run["id"] for run in await listed(shop, **asked)} == {runs[state] for state in expected}


async def test_pages_follow_one_another_under_their_filter(shop: Shop) -> None:
    orders = [await shop.placed() for _ in range(5)]
    await shop.settled()
    read: list[str] = []
    asked: dict[str, Any] = {"limit": 2, "state": "completed"}
    while True:
        page = (await shop.api.get("/v1/runs", params=asked)).json()
        read += [run["id"] for run in page["items"]]
        if page["next"] is None:
            break
        asked["cursor"] = page["next"]
    assert read == [order["run"]["id"] for order in reversed(orders)]


async def test_a_cursor_of_another_filter_is_refused(corner_shop: Shop) -> None:
    for _ in range(2):
        await corner_shop.placed()
    page = (await corner_shop.api.get("/v1/runs", params={"limit": 1})).json()
    other = await corner_shop.api.get("/v1/runs", params={"cursor": page["next"], "state": "failed"})
    assert (other.status_code, other.json()["code"]) == (422, "invalid-request")
    again = await corner_shop.api.get("/v1/runs", params={"cursor": page["next"], "limit": 200})
    assert len(again.json()["items"]) == 1


@pytest.mark.parametrize(
    "query",
    [
        "state=lost",
        "state=",
        "state=failed&state=FAILED",
        "&".join(["state=failed"] * 10),
        "limit=0",
        "limit=201",
        "limit=NaN",
        "limit=9223372036854775808",
        "created_after=yesterday",
        "created_after=1700000000",
        "created_after=2026-01-01T00:00:00",
        "created_before=10000-01-01T00:00:00Z",
        "cursor=%00",
        "cursor=x",
        "pipeline=a%00b",
        "pipeline=" + "x" * 101,
        "step=" + "x" * 101,
        "error=",
        "error=" + "x" * 201,
        "owner=ada",
        "payload=x",
    ],
)
async def test_a_question_that_nobody_means_is_refused(corner_shop: Shop, query: str) -> None:
    answer = await corner_shop.api.get(f"/v1/runs?{query}")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-request")


async def test_a_key_that_may_read_operations_sees_all_runs_and_may_touch_none(shop: Shop) -> None:
    order = await shop.placed()
    watcher = await shop.client_of("watcher", scopes=[Scope.OPERATIONS_READ])
    assert len((await watcher.get("/v1/runs")).json()["items"]) == 1
    assert (await watcher.get(f"{order['run']['url']}/why")).status_code == 200
    assert (await watcher.post(f"{order['run']['url']}/cancel")).status_code == 403
    assert (await watcher.post("/v1/runs/cancel", json={"filter": {}, "dry_run": True})).status_code == 403


async def test_a_run_says_why_it_waits(shop: Shop) -> None:
    runs = await in_three_states(shop)
    why = (await shop.api.get(f"/v1/runs/{runs['waiting']}/why")).json()
    assert why["code"] == "waiting"
    assert "for attempt 2 of 8 at notify_warehouse (WarehouseUnavailable: 503)" in why["sentence"]


@pytest.mark.parametrize("run_id", ["00000000-0000-4000-8000-000000000000", "x", "retry"])
async def test_of_a_run_that_is_none_nobody_knows_why(corner_shop: Shop, run_id: str) -> None:
    answer = await corner_shop.api.get(f"/v1/runs/{run_id}/why")
    assert answer.status_code == (404 if "-" in run_id else 422)


async def test_an_owner_is_told_nothing_of_our_machines_and_people(shop: Shop) -> None:
    ada = await shop.client_of("ada")
    shop.warehouse.door.close()
    order = await shop.placed(by=ada)
    await shop.warehouse.door.until_somebody_waits()
    url = f"{order['run']['url']}/why"
    assert "process" in (await shop.api.get(url)).json()["sentence"]
    assert (await ada.get(url)).json() == {"code": "owned", "sentence": "is being worked on"}
    shop.warehouse.door.open()
    await shop.settled()
    await shop.api.post("/v1/pipelines/fulfill-order/pause", json={"reason": "the boss is ill"})
    later = await shop.placed(by=ada)
    await shop.settled()
    url = f"{later['run']['url']}/why"
    assert "the boss is ill" in (await shop.api.get(url)).json()["sentence"]
    assert (await ada.get(url)).json()["sentence"] == "is paused by the operators of this service"


async def test_times_of_a_filter_are_those_of_the_clock(shop: Shop) -> None:
    first = await shop.placed()
    shop.clock.advance(timedelta(days=1))
    between = shop.clock.now().isoformat()
    shop.clock.advance(timedelta(days=1))
    second = await shop.placed()
    await shop.settled()
    assert [run["id"] for run in await listed(shop, created_after=between)] == [second["run"]["id"]]
    assert [run["id"] for run in await listed(shop, created_before=between)] == [first["run"]["id"]]
