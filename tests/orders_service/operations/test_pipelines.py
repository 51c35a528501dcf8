"""Pipelines are shown with their steps and their open runs, and are paused and resumed."""

from typing import Any

import pytest

from orders_service.background import PIPELINES
from tests.builders.hostile import REFUSALS, spoiled
from tests.builders.operations import audited, failed_orders
from tests.builders.shop import Shop

PAUSE, RESUME = "/v1/pipelines/fulfill-order/pause", "/v1/pipelines/fulfill-order/resume"
REASON = {"reason": "the warehouse moves house"}


async def pipeline(shop: Shop, name: str = "fulfill-order") -> Any:
    answer = await shop.api.get("/v1/pipelines")
    assert answer.status_code == 200, answer.text
    return next(each for each in answer.json()["items"] if each["name"] == name)


async def test_pipelines_are_shown_with_their_steps(shop: Shop) -> None:
    names = [each["name"] for each in (await shop.api.get("/v1/pipelines")).json()["items"]]
    assert names == sorted(each.name for each in PIPELINES)
    shown = await pipeline(shop)
    assert shown["version"] in shown["versions"]
    assert [(step["name"], step["kind"], step["can_be_undone"]) for step in shown["steps"]] == [
        ("validate_order", "transaction", False),
        ("reserve_stock", "transaction", True),
        ("send_confirmation", "action", False),
        ("notify_warehouse", "action", True),
    ]


async def test_open_runs_and_dead_letters_are_counted_and_history_is_not(shop: Shop) -> None:
    await failed_orders(shop, 2)
    await shop.placed()
    await shop.settled()
    shop.warehouse.door.close()
    await shop.placed()
    await shop.warehouse.door.until_somebody_waits()
    assert (await pipeline(shop))["runs"] == {"failed": 2, "running": 1}


async def test_a_paused_pipeline_begins_no_step_until_it_is_resumed(shop: Shop) -> None:
    answer = await shop.api.post(PAUSE, json=REASON)
    assert answer.status_code == 200
    assert {name: answer.json()["paused"][name] for name in ("by", "reason")} == {"by": "admin"} | REASON
    order = await shop.placed()
    await shop.settled()
    assert (await shop.shown(order))["status"] == "pending"
    assert (await pipeline(shop))["runs"] == {"ready": 1}
    assert (await shop.api.post(RESUME)).json()["paused"] is None
    await shop.run_to_the_end()
    assert (await shop.shown(order))["status"] == "completed"


async def test_who_paused_and_resumed_is_in_the_audit(shop: Shop) -> None:
    await shop.api.post(PAUSE, json=REASON)
    await shop.api.post(RESUME, json={"reason": "all is in its place"})
    paused, resumed = await audited(shop)
    assert (paused["action"], paused["subject_type"], paused["subject_id"]) == (
        "pipeline_paused",
        "pipeline",
        "fulfill-order",
    )
    assert (paused["before"], paused["after"]) == ({"paused": False}, {"paused": True} | REASON)
    assert (resumed["action"], resumed["before"]) == ("pipeline_resumed", {"paused": True} | REASON)
    assert resumed["after"] == {"paused": False, "reason": "all is in its place"}


async def test_what_is_so_already_is_a_conflict_and_leaves_no_entry(shop: Shop) -> None:
    assert (await shop.api.post(RESUME)).status_code == 409
    await shop.api.post(PAUSE, json=REASON)
    again = await shop.api.post(PAUSE, json={"reason": "me too"})
    assert (again.status_code, again.json()["code"]) == (409, "state-conflict")
    assert (await pipeline(shop))["paused"]["reason"] == REASON["reason"]
    assert shop.count("audit_entries") == 1


@pytest.mark.parametrize("verb", ["pause", "resume"])
@pytest.mark.parametrize("name", ["fulfil-order", "%00", "x" * 5000, "FULFILL-ORDER"])
async def test_a_pipeline_that_nobody_knows_is_not_found(corner_shop: Shop, verb: str, name: str) -> None:
    answer = await corner_shop.api.post(f"/v1/pipelines/{name}/{verb}", json=REASON)
    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
    assert (corner_shop.count("audit_entries"), corner_shop.count("pipeline_pauses")) == (0, 0)


async def test_a_pause_without_a_good_reason_is_refused(corner_shop: Shop) -> None:
    for what, body in [*spoiled(REASON), ("no reason", b"{}"), ("blank", b'{"reason": " "}')]:
        answer = await corner_shop.api.post(PAUSE, content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code in REFUSALS, (what, answer.text)
    assert (corner_shop.count("audit_entries"), corner_shop.count("pipeline_pauses")) == (0, 0)
