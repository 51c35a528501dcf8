"""`orders schedules`: listed, triggered, paused and resumed by command."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from orders_service.background import SCHEDULES
from tests.builders.operations import audited
from tests.builders.shop import Shop, open_shop
from tests.builders.terminal import Terminal, terminal_at

NIGHTLY = "cleanup-sessions"
ACTIONS = {"trigger": "triggered", "pause": "paused", "resume": "resumed"}


@pytest.fixture
async def clockwork(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Shop]:
    """The service with its schedules; it has seen them."""
    async with open_shop(sqlite_url, tmp_path, schedules=SCHEDULES) as shop:
        await shop.advance(timedelta(0))
        yield shop


@pytest.fixture
async def schedules(
    clockwork: Shop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> AsyncIterator[Terminal]:
    async with terminal_at(clockwork, monkeypatch, capsys, "schedules") as terminal:
        yield terminal


async def test_schedules_are_listed_with_their_sentence(schedules: Terminal) -> None:
    headings, *rows = (await schedules.run("list")).lines
    [row] = [row for row in rows if row.startswith(NIGHTLY)]
    assert headings.split()[:5] == ["NAME", "STATE", "TRIGGER", "NEXT", "LAST"]
    assert row.endswith("Every midnight: forget sessions that have ended.")
    assert len(json.loads((await schedules.run("list", "--json")).out)["items"]) == len(rows)


async def test_a_schedule_is_triggered_and_names_its_run(clockwork: Shop, schedules: Terminal) -> None:
    said = await schedules.run("trigger", NIGHTLY)
    run = json.loads((await schedules.run("trigger", NIGHTLY, "--json")).out)["run"]
    assert said.out.startswith("Run ")
    assert (await clockwork.api.get(run["url"])).json()["pipeline"] == "cleanup-sessions"


async def test_a_schedule_is_paused_and_resumed(clockwork: Shop, schedules: Terminal) -> None:
    assert (await schedules.run("pause", NIGHTLY)).out == f"Schedule {NIGHTLY} is paused.\n"
    assert " paused by admin " in (await schedules.run("list")).out
    assert (await schedules.run("pause", NIGHTLY, code=1)).complaint.startswith("State conflict: ")
    assert (await schedules.run("resume", NIGHTLY)).out.startswith(f"Schedule {NIGHTLY} fires again, next at 20")
    assert [entry["action"] for entry in await audited(clockwork)] == ["schedule_paused", "schedule_resumed"]


@pytest.mark.parametrize("verbs", [["trigger"], ["pause"], ["pause", "resume"]], ids=str)
async def test_the_audit_keeps_why(clockwork: Shop, schedules: Terminal, verbs: list[str]) -> None:
    for verb in verbs:
        await schedules.run(verb, NIGHTLY, "--reason", "the disk is full")
    entry = (await audited(clockwork))[-1]
    assert (entry["action"], entry["after"]["reason"]) == (f"schedule_{ACTIONS[verbs[-1]]}", "the disk is full")


async def test_programs_are_given_the_schedule(schedules: Terminal) -> None:
    assert json.loads((await schedules.run("pause", NIGHTLY, "--json")).out)["paused_by"] == "admin"
    assert json.loads((await schedules.run("resume", NIGHTLY, "--json")).out)["paused_by"] is None


@pytest.mark.parametrize("verb", ["trigger", "pause", "resume"])
async def test_a_schedule_that_there_is_not_is_one_line(schedules: Terminal, verb: str) -> None:
    assert (await schedules.run(verb, "../orders", code=1)).complaint.startswith("Not found: ")
