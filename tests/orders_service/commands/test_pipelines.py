"""`orders pipelines`: listed, paused and resumed by command."""

import json

from tests.builders.operations import audited, failed_orders
from tests.builders.shop import Shop
from tests.builders.terminal import Terminal


async def test_pipelines_are_listed_with_their_steps_and_runs(corner_shop: Shop, terminal: Terminal) -> None:
    await failed_orders(corner_shop, 1)
    rows = (await terminal.run("pipelines", "list")).lines
    [row] = [row for row in rows if row.startswith("fulfill-order")]
    assert "  on     1 failed" in row
    assert row.endswith("validate_order > reserve_stock > send_confirmation > notify_warehouse")
    assert len(json.loads((await terminal.run("pipelines", "list", "--json")).out)["items"]) == len(rows) - 1


async def test_a_pipeline_is_paused_for_a_reason_and_resumed(corner_shop: Shop, terminal: Terminal) -> None:
    said = await terminal.run("pipelines", "pause", "fulfill-order", "--reason", "the warehouse moves house")
    assert said.out.startswith("Pipeline fulfill-order is paused.")
    order = await corner_shop.placed()
    assert "because the warehouse moves house" in (await terminal.run("runs", "why", order["id"])).out
    assert "paused by admin because the warehouse moves house" in (await terminal.run("pipelines", "list")).out
    resumed = await terminal.run("pipelines", "resume", "fulfill-order", "--reason", "it has", "--json")
    assert json.loads(resumed.out)["paused"] is None
    assert [entry["after"]["reason"] for entry in await audited(corner_shop)] == ["the warehouse moves house", "it has"]


async def test_a_pause_without_a_reason_is_one_line(terminal: Terminal) -> None:
    said = await terminal.run("pipelines", "pause", "fulfill-order", code=2)
    assert said.complaint == "Missing option '--reason'. See: orders pipelines pause --help"


async def test_a_pipeline_that_there_is_not_is_one_line(terminal: Terminal) -> None:
    said = await terminal.run("pipelines", "resume", "no-such", code=1)
    assert said.complaint.startswith("Not found: ")
