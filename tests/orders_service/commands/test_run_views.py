"""Runs are listed, shown and explained: to people at a terminal, to a pipe, and to programs."""

import json
from typing import Any

import pytest

from orders_service.commands import lists
from tests.builders.operations import failed_orders
from tests.builders.shop import Shop
from tests.builders.terminal import Terminal

HOSTILE = "\x1b[45mred\x07 [bold]fat[/bold]\n\u202eright to left\u2066"
NOWHERE = "01a1fccd-1aee-748f-9e6d-a53a446f6bc9"


async def hostile_run(shop: Shop) -> str:
    shop.warehouse.door.troubles = [RuntimeError(HOSTILE)]
    order = await shop.placed()
    await shop.run_to_the_end()
    return str(order["run"]["id"])


def is_harmless(text: str) -> bool:
    """Nothing steers, nothing turns the line round, and what looks like markup is there to be read."""
    raw = ("\x1b[45m", "\x07", "\u202e", "\u2066")
    return r"\x1b[45mred\x07 [bold]fat[/bold]\n\u202eright to left\u2066" in text and not any(map(text.count, raw))


async def test_a_list_in_a_pipe_is_aligned_text_newest_first(corner_shop: Shop, terminal: Terminal) -> None:
    orders = [await corner_shop.placed() for _ in range(2)]
    await corner_shop.settled()
    headings, *rows = (await terminal.run("runs", "list")).lines
    assert headings.split() == ["ID", "PIPELINE", "STATE", "STEP", "ATTEMPT", "CREATED", "ERROR"]
    assert [row.split()[0] for row in rows] == [order["run"]["id"] for order in reversed(orders)]
    assert all(row[headings.index("STATE") :].startswith("completed ") for row in rows)


async def test_a_list_on_a_terminal_has_colours(corner_shop: Shop, terminal: Terminal) -> None:
    await failed_orders(corner_shop, 1)
    assert "\x1b[31mfailed\x1b[0m" in await terminal.shown("runs", "list", "--state", "failed")


async def test_a_narrow_terminal_breaks_no_word(corner_shop: Shop, terminal: Terminal) -> None:
    order = await corner_shop.placed()
    await corner_shop.settled()
    shown = await terminal.shown("runs", "list", columns=80)
    assert f"{order['run']['id']}  fulfill-order  completed  notify_warehouse" in shown


@pytest.mark.parametrize("words", [["--limit", "2"], ["--limit", "2", "--json"]], ids=["people", "programs"])
async def test_that_there_is_more_is_said(corner_shop: Shop, terminal: Terminal, words: list[str]) -> None:
    for _ in range(3):
        await corner_shop.placed()
    said = await terminal.run("runs", "list", *words)
    if "--json" in words:
        assert json.loads(said.out)["next"] is not None
    else:
        assert said.err == "There are more than these 2: see --limit.\n"


async def test_a_list_that_is_longer_than_a_page_is_whole(
    corner_shop: Shop, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "LARGEST_PAGE", 2)
    orders = [await corner_shop.placed() for _ in range(5)]
    listed = json.loads((await terminal.run("runs", "list", "--json")).out)
    assert [run["id"] for run in listed["items"]] == [order["run"]["id"] for order in reversed(orders)]
    assert listed["next"] is None


@pytest.mark.parametrize(
    ("words", "count"),
    [
        (["--state", "failed"], 1),
        (["--state", "failed", "--state", "completed", "--pipeline", "fulfill-order"], 2),
        (["--error", "on fire"], 1),
        (["--step", "no_such_step"], 0),
        (["--created-before", "2001-01-01T00:00:00Z"], 0),
    ],
)
async def test_a_list_is_filtered(corner_shop: Shop, terminal: Terminal, words: list[str], count: int) -> None:
    await failed_orders(corner_shop, 1)
    await corner_shop.placed()
    await corner_shop.run_to_the_end()
    assert len(json.loads((await terminal.run("runs", "list", "--json", *words)).out)["items"]) == count


async def test_no_runs_are_a_word_and_no_table(terminal: Terminal) -> None:
    assert (await terminal.run("runs", "list")).complaint == "There are no such runs."


async def test_a_state_that_is_none_is_one_line(terminal: Terminal) -> None:
    assert (await terminal.run("runs", "list", "--state", "asleep", code=1)).complaint.startswith("Invalid request: ")


@pytest.mark.parametrize("which", ["run", "order"])
async def test_a_run_is_shown_with_its_attempts(corner_shop: Shop, terminal: Terminal, which: str) -> None:
    """By its own id, or by that of its order."""
    order = await corner_shop.placed()
    await corner_shop.settled()
    said = await terminal.run("runs", "show", order["run"]["id"] if which == "run" else order["id"])
    assert said.lines[0] == f"Run       {order['run']['id']}"
    assert "State     completed" in said.lines
    assert [line.split()[:4] for line in said.lines[-4:]] == [
        [step, "1", "do", "success"]
        for step in ("validate_order", "reserve_stock", "send_confirmation", "notify_warehouse")
    ]


async def test_a_run_is_shown_to_programs_as_the_service_shows_it(corner_shop: Shop, terminal: Terminal) -> None:
    order = await corner_shop.placed()
    await corner_shop.settled()
    shown: Any = json.loads((await terminal.run("runs", "show", order["run"]["id"], "--json")).out)
    assert shown == (await corner_shop.api.get(order["run"]["url"])).json()


async def test_why_a_run_waits_is_one_sentence(corner_shop: Shop, terminal: Terminal) -> None:
    order = await corner_shop.placed()
    await corner_shop.settled()
    said = await terminal.run("runs", "why", order["run"]["id"])
    assert said.out.startswith(f"Run {order['run']['id']}: completed at ")


async def test_why_an_order_waits_is_asked_by_the_id_that_its_customer_has(
    corner_shop: Shop, terminal: Terminal
) -> None:
    order = await corner_shop.placed()
    await corner_shop.settled()
    [line] = (await terminal.run("runs", "why", order["id"])).lines
    assert line.startswith(f"Order {order['id']} is completed. Its run {order['run']['id']}: completed at ")
    cause = json.loads((await terminal.run("runs", "why", order["id"], "--json")).out)
    assert (cause["order"], cause["run"], cause["code"]) == (order["id"], order["run"]["id"], "completed")


async def test_an_order_that_is_asked_back_is_explained_by_both_its_runs(corner_shop: Shop, terminal: Terminal) -> None:
    order = await corner_shop.placed()
    await corner_shop.run_to_the_end()
    await terminal.run("orders", "cancel", order["id"])
    await corner_shop.run_to_the_end()
    asked_back = (await corner_shop.shown(order))["cancellation"]["id"]
    assert f"Run {asked_back}: completed at " in (await terminal.run("runs", "why", order["id"])).lines[1]


@pytest.mark.parametrize("verb", ["show", "why", "watch", "retry", "cancel", "replay"])
async def test_what_is_neither_run_nor_order_is_one_line(terminal: Terminal, verb: str) -> None:
    assert (await terminal.run("runs", verb, NOWHERE, code=1)).complaint.startswith("Not found: ")


@pytest.mark.parametrize("words", [["list"], ["show"], ["why"], ["watch"], ["retry", "--all", "--dry-run"]], ids=str)
async def test_what_others_have_written_steers_no_terminal(
    corner_shop: Shop, terminal: Terminal, words: list[str]
) -> None:
    run_id = await hostile_run(corner_shop)
    verb, *options = words
    words = [verb, *([run_id] if verb in {"show", "why", "watch"} else []), *options]
    code = 4 if verb == "watch" else 0
    assert is_harmless((await terminal.run("runs", *words, code=code)).out)
    assert is_harmless(await terminal.shown("runs", *words, code=code))


async def test_programs_are_given_escapes_too(corner_shop: Shop, terminal: Terminal) -> None:
    run_id = await hostile_run(corner_shop)
    out = (await terminal.run("runs", "show", run_id, "--json")).out
    assert out.rstrip("\n").isprintable()
    assert out.isascii()
    assert HOSTILE in json.loads(out)["error"]
