"""Runs are retried, cancelled and replayed by command: one of them, or all that match, and then never by mistake."""

import json
from typing import Any

import pytest

from tests.builders.operations import audited, failed_orders
from tests.builders.shop import Shop
from tests.builders.terminal import TOOL, Terminal


async def statuses(shop: Shop, orders: list[Any]) -> list[str]:
    await shop.run_to_the_end()
    return [(await shop.shown(order))["status"] for order in orders]


async def held_order(shop: Shop) -> Any:
    """Its run is open, and stays so."""
    shop.warehouse.door.close()
    order = await shop.placed()
    await shop.warehouse.door.until_somebody_waits()
    return order


@pytest.mark.parametrize("which", ["run", "order"])
async def test_a_run_is_retried(corner_shop: Shop, terminal: Terminal, which: str) -> None:
    [order] = orders = await failed_orders(corner_shop, 1)
    run_id = order["run"]["id"]
    said = await terminal.run("runs", "retry", run_id if which == "run" else order["id"])
    assert said.out == f"Run {run_id} goes on where it failed. Follow it: orders runs watch {run_id}\n"
    assert await statuses(corner_shop, orders) == ["completed"]


async def test_the_audit_keeps_the_reason_and_that_it_was_a_command(corner_shop: Shop, terminal: Terminal) -> None:
    [order] = await failed_orders(corner_shop, 1)
    await terminal.run("runs", "retry", order["run"]["id"], "--reason", "the fire is out")
    [entry] = await audited(corner_shop)
    assert (entry["actor"], entry["action"]) == ("admin", "run_retried")
    assert entry["after"] == {"reason": "the fire is out"}
    assert entry["request_id"].startswith(f"{TOOL}-")


async def test_an_undo_that_was_not_given_up_is_not_retried(corner_shop: Shop, terminal: Terminal) -> None:
    [order] = await failed_orders(corner_shop, 1)
    said = await terminal.run("runs", "retry", order["run"]["id"], "--undo", code=1)
    assert said.complaint.startswith("State conflict: ")


async def test_a_run_is_cancelled(corner_shop: Shop, terminal: Terminal) -> None:
    order = await held_order(corner_shop)
    said = await terminal.run("runs", "cancel", order["run"]["id"], "--reason", "a mistake")
    assert said.out.startswith(f"Run {order['run']['id']} goes no further, and what it did is undone.")
    corner_shop.warehouse.door.open()
    assert await statuses(corner_shop, [order]) == ["cancelled"]


async def test_a_run_is_replayed_by_a_new_one(corner_shop: Shop, terminal: Terminal) -> None:
    await terminal.run("runs", "retry", "--all", "--yes")
    await failed_orders(corner_shop, 1)
    first = json.loads((await terminal.run("runs", "retry", "--all", "--yes", "--json")).out)["run"]["id"]
    await corner_shop.run_to_the_end()
    second = json.loads((await terminal.run("runs", "replay", first, "--json")).out)["run"]["id"]
    assert (await terminal.run("runs", "why", second)).out.startswith(f"Run {second}: ")
    assert second != first


async def test_a_run_of_an_order_is_not_replayed(corner_shop: Shop, terminal: Terminal) -> None:
    order = await corner_shop.placed()
    await corner_shop.run_to_the_end()
    said = await terminal.run("runs", "replay", order["id"], code=1)
    assert said.complaint.startswith("State conflict: ")


async def test_a_dry_run_counts_and_shows_and_changes_nothing(corner_shop: Shop, terminal: Terminal) -> None:
    orders = await failed_orders(corner_shop, 2)
    said = await terminal.run("runs", "retry", "--all", "--pipeline", "fulfill-order", "--dry-run")
    assert [line.split()[0] for line in said.lines[1:3]] == [order["run"]["id"] for order in orders]
    assert said.lines[-1] == "There are 2 runs to retry."
    assert await statuses(corner_shop, orders) == ["failed"] * 2
    preview = json.loads((await terminal.run("runs", "retry", "--all", "--dry-run", "--json")).out)
    assert (preview["count"], await audited(corner_shop)) == (2, [])


@pytest.mark.parametrize(
    ("answer", "code", "after"), [("y\n", 0, "completed"), ("n\n", 1, "failed"), ("", 1, "failed")]
)
async def test_whoever_is_there_is_asked(
    corner_shop: Shop, terminal: Terminal, answer: str, code: int, after: str
) -> None:
    orders = await failed_orders(corner_shop, 2)
    said = await terminal.run("runs", "retry", "--all", "--error", "on fire", typed=answer, code=code)
    assert "Retry all of them? [y/N] " in said.err
    assert ("Nothing was done." in said.err) == (code != 0)
    assert await statuses(corner_shop, orders) == [after] * 2


async def test_where_nobody_is_there_yes_is_said_before(corner_shop: Shop, terminal: Terminal) -> None:
    orders = await failed_orders(corner_shop, 1)
    said = await terminal.run("runs", "retry", "--all", code=2)
    assert said.err == "Nobody is here to confirm it: say --yes.\n"
    assert await statuses(corner_shop, orders) == ["failed"]
    assert " does it. Follow it: orders runs watch " in (await terminal.run("runs", "retry", "--all", "--yes")).out
    assert await statuses(corner_shop, orders) == ["completed"]


async def test_all_that_match_are_cancelled(corner_shop: Shop, terminal: Terminal) -> None:
    order = await held_order(corner_shop)
    words = ["--pipeline", "fulfill-order", "--yes", "--reason", "a mistake", "--json"]
    steering = json.loads((await terminal.run("runs", "cancel", "--all", *words)).out)["run"]["id"]
    await terminal.run("runs", "watch", steering)
    corner_shop.warehouse.door.open()
    assert await statuses(corner_shop, [order]) == ["cancelled"]


async def test_no_more_are_meant_than_the_limit(corner_shop: Shop, terminal: Terminal) -> None:
    orders = await failed_orders(corner_shop, 2)
    said = await terminal.run("runs", "retry", "--all", "--limit", "1", "--pace", "10", "--yes")
    assert "There are 2 runs to retry; at most 1 of them are meant." in said.lines
    assert sorted(await statuses(corner_shop, orders)) == ["completed", "failed"]


@pytest.mark.parametrize("words", [[], ["--json"]], ids=["people", "programs"])
async def test_where_there_are_none_nothing_is_done(corner_shop: Shop, terminal: Terminal, words: list[str]) -> None:
    said = await terminal.run("runs", "retry", "--all", *words)
    assert said.err == "There are none to retry.\n"
    assert said.out == ('{"run": null}\n' if words else "")
    assert await audited(corner_shop) == []


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["retry"], "Name a run, or say --all and which of them."),
        (["cancel", "--pipeline", "fulfill-order"], "Name a run, or say --all and which of them."),
        (["retry", "some-run", "--all"], "Name a run, or say --all and which of them; not both."),
        (["retry", "some-run", "--dry-run"], "Name a run, or say --all and which of them; not both."),
        (["retry", "--all", "--undo"], "--undo is for one run."),
        (["watch", "some-run", "--until-idle"], "--pipeline and --until-idle are for all runs."),
    ],
)
async def test_what_makes_no_sense_is_one_line_and_ends_with_2(terminal: Terminal, words: list[str], says: str) -> None:
    assert (await terminal.run("runs", *words, code=2)).complaint == says
