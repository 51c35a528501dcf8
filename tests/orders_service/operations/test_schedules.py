"""Schedules are listed, triggered, paused and resumed; and each of the service's own does its work when it fires."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from orders_service.background import SCHEDULES
from tests.builders.operations import audited, interventions
from tests.builders.shop import Shop, between_ticks, open_shop

NAMES = sorted(each.name for each in SCHEDULES)
DAY = timedelta(days=1)
NIGHTLY = "cleanup-sessions"


@pytest.fixture
async def clockwork(migrated_url: str, tmp_path: Path) -> AsyncIterator[Shop]:
    """The service with its schedules; it has seen them."""
    async with open_shop(migrated_url, tmp_path, schedules=SCHEDULES, clock=between_ticks()) as shop:
        await shop.advance(timedelta(0))
        yield shop


@pytest.fixture
async def nights(migrated_url: str, tmp_path: Path) -> AsyncIterator[Shop]:
    """Only what fires nightly, so that a day is soon over."""
    nightly = [each for each in SCHEDULES if each.name == NIGHTLY]
    async with open_shop(migrated_url, tmp_path, schedules=nightly, clock=between_ticks()) as shop:
        await shop.advance(timedelta(0))
        yield shop


async def schedule(shop: Shop, name: str = NIGHTLY) -> Any:
    answer = await shop.api.get("/v1/schedules")
    assert answer.status_code == 200, answer.text
    return next(each for each in answer.json()["items"] if each["name"] == name)


async def test_schedules_are_listed_with_their_next_time_and_a_sentence(clockwork: Shop) -> None:
    listed = (await clockwork.api.get("/v1/schedules")).json()
    assert ([each["name"] for each in listed["items"]], listed["next"]) == (NAMES, None)
    shown = await schedule(clockwork)
    assert shown | {"next_fire_at": None} == {
        "name": NIGHTLY,
        "pipeline": "cleanup-sessions",
        "trigger": "0 0 * * * UTC",
        "sentence": "Every midnight: forget sessions that have ended.",
        "next_fire_at": None,
        "last_fire_at": None,
        "last_run": None,
        "paused_at": None,
        "paused_by": None,
    }
    assert "T00:00:00" in shown["next_fire_at"]


@pytest.mark.parametrize("name", NAMES)
async def test_each_schedule_can_be_triggered_and_its_run_completes(clockwork: Shop, name: str) -> None:
    answer = await clockwork.api.post(f"/v1/schedules/{name}/trigger")
    run = answer.json()["run"]
    assert (answer.status_code, answer.headers["location"]) == (202, run["url"])
    assert answer.headers["retry-after"]
    await clockwork.settled()
    assert (await clockwork.api.get(run["url"])).json()["state"] == "completed"
    assert (await schedule(clockwork, name))["last_run"] == run | {"state": "completed"}


async def test_who_triggered_is_in_the_audit(clockwork: Shop) -> None:
    run = (await clockwork.api.post(f"/v1/schedules/{NIGHTLY}/trigger")).json()["run"]
    [entry] = await audited(clockwork)
    assert (entry["action"], entry["subject_type"], entry["subject_id"], entry["after"]) == (
        "schedule_triggered",
        "schedule",
        NIGHTLY,
        {"run": run["id"]},
    )
    assert interventions(clockwork) == [("admin", "trigger")]


async def test_a_schedule_fires_at_its_time(nights: Shop) -> None:
    planned = (await schedule(nights))["next_fire_at"]
    await nights.advance(DAY)
    shown = await schedule(nights)
    assert (shown["last_fire_at"], shown["last_run"]["state"]) == (planned, "completed")
    assert shown["next_fire_at"] > planned


async def test_a_paused_schedule_does_not_fire_until_it_is_resumed(nights: Shop) -> None:
    paused = await nights.api.post(f"/v1/schedules/{NIGHTLY}/pause")
    assert (paused.status_code, paused.json()["paused_by"], paused.json()["next_fire_at"]) == (200, "admin", None)
    await nights.advance(3 * DAY)
    assert (await schedule(nights))["last_run"] is None
    resumed = await nights.api.post(f"/v1/schedules/{NIGHTLY}/resume")
    assert (resumed.status_code, resumed.json()["paused_at"]) == (200, None)
    assert resumed.json()["next_fire_at"] is not None
    await nights.advance(DAY)
    assert (await schedule(nights))["last_run"]["state"] == "completed"
    assert [entry["action"] for entry in await audited(nights)] == ["schedule_paused", "schedule_resumed"]


async def test_what_is_so_already_is_a_conflict_and_leaves_no_entry(clockwork: Shop) -> None:
    assert (await clockwork.api.post(f"/v1/schedules/{NIGHTLY}/resume")).status_code == 409
    await clockwork.api.post(f"/v1/schedules/{NIGHTLY}/pause")
    again = await clockwork.api.post(f"/v1/schedules/{NIGHTLY}/pause")
    assert (again.status_code, again.json()["code"]) == (409, "state-conflict")
    assert (clockwork.count("audit_entries"), len(interventions(clockwork))) == (1, 1)


@pytest.mark.parametrize("verb", ["trigger", "pause", "resume"])
@pytest.mark.parametrize("name", ["cleanup", "Cleanup-Sessions", "%00", "a@b", "x" * 5000])
async def test_a_schedule_that_nobody_knows_is_not_found(corner_shop: Shop, verb: str, name: str) -> None:
    answer = await corner_shop.api.post(f"/v1/schedules/{name}/{verb}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
    assert (corner_shop.count("audit_entries"), corner_shop.count("runs")) == (0, 0)


async def test_a_customer_may_not_even_know_what_there_is(clockwork: Shop) -> None:
    ada = await clockwork.client_of("ada")
    answers = [await ada.post(f"/v1/schedules/{name}/trigger") for name in (NIGHTLY, "nothing")]
    assert [answer.status_code for answer in answers] == [403, 403]
    assert clockwork.count("runs") == 0
