"""A page that is looked at keeps itself up to date, as long as there is something to tell, and somebody to tell it."""

import asyncio
import re

import pytest

from orders_service.console import run_following
from tests.builders.console import signed_in
from tests.builders.console_runs import Part, completed_order, following, page_of, running_order, waiting_order
from tests.builders.imports import begun, door_between_chunks
from tests.builders.shop import Shop


async def until_nobody_watches(shop: Shop) -> None:
    async with asyncio.timeout(5):
        while shop.process.watchers.count:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)


async def test_a_page_is_live_while_its_run_is_open_and_no_longer(corner_shop: Shop) -> None:
    visitor = await signed_in(corner_shop)
    done = await completed_order(corner_shop)
    assert "sse-connect" not in await visitor.see(page_of(done))
    path = page_of(await running_order(corner_shop))
    assert f'sse-connect="{path}/events"' in await visitor.see(path)


async def test_the_page_follows_its_run_to_the_end(shop: Shop) -> None:
    order, visitor = await running_order(shop), await signed_in(shop)
    told: list[Part] = []
    async with following(shop, visitor, page_of(order)) as (answer, parts):
        assert answer.headers["content-type"].startswith("text/event-stream")
        async for part in parts:
            told.append(part)
            shop.warehouse.door.open()
    standing = [part.text for part in told if part.name == "standing"]
    assert standing[0].startswith("fulfill-order running")
    assert standing[-1].startswith("fulfill-order completed")
    assert "Order completed" in [part.text for part in told if part.name == "subject"][-1]
    assert told[-1].name == "ended"
    await until_nobody_watches(shop)


async def test_what_has_not_changed_is_not_sent_again(corner_shop: Shop) -> None:
    order, visitor = await running_order(corner_shop), await signed_in(corner_shop)
    names: list[str] = []
    async with following(corner_shop, visitor, page_of(order)) as (_, parts):
        async for part in parts:
            names.append(part.name)
            corner_shop.warehouse.door.open()
    assert (names.count("interventions"), names.count("actions")) == (1, 2)


async def test_a_progress_bar_moves(corner_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    door = door_between_chunks(monkeypatch)
    order_import, visitor = await begun(corner_shop, door), await signed_in(corner_shop)
    bars: list[str] = []
    async with following(corner_shop, visitor, page_of(order_import)) as (_, parts):
        async for part in parts:
            bars += re.findall(r'<progress value="(\d+)" max="10">', part.html)
            if bars:
                door.open()
    assert bars[0] == "2"
    assert part.name == "ended"


async def test_a_draining_process_sends_its_viewers_elsewhere(corner_shop: Shop) -> None:
    order, visitor = await waiting_order(corner_shop), await signed_in(corner_shop)
    names: list[str] = []
    async with following(corner_shop, visitor, page_of(order)) as (_, parts):
        async for part in parts:
            names.append(part.name)
            corner_shop.process.begin_to_drain()
    assert "standing" in names
    assert "ended" not in names  # a browser that is not told so connects again


async def test_whoever_has_signed_out_is_told_no_more(corner_shop: Shop) -> None:
    order, visitor = await running_order(corner_shop), await signed_in(corner_shop)
    async with following(corner_shop, visitor, page_of(order)) as (_, parts):
        await anext(parts)
        await visitor.do("/console/sign-out")
        corner_shop.warehouse.door.open()
        told = [part async for part in parts]
    assert not [part for part in told if "completed" in part.text]
    assert told[-1].name == "ended"


async def test_while_the_database_is_away_the_browser_is_left_to_ask_again(
    corner_shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    order, visitor = await running_order(corner_shop), await signed_in(corner_shop)
    async with following(corner_shop, visitor, page_of(order)) as (_, parts):
        await anext(parts)
        await corner_shop.write("ALTER TABLE console_sessions RENAME TO elsewhere")
        corner_shop.warehouse.door.open()
        names = [part.name async for part in parts]
    assert "ended" not in names
    assert "Traceback" not in capsys.readouterr().out


async def test_a_stream_ends_now_and_then_so_that_the_browser_shows_its_cookie(
    corner_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_following, "LONGEST_SECONDS", 0.5)
    order, visitor = await waiting_order(corner_shop), await signed_in(corner_shop)
    async with asyncio.timeout(10), following(corner_shop, visitor, page_of(order)) as (_, parts):
        names = [part.name async for part in parts]
    assert set(names) == set(run_following.PARTS)
    await until_nobody_watches(corner_shop)


async def test_whoever_hangs_up_costs_nothing_more(corner_shop: Shop) -> None:
    order, visitor = await waiting_order(corner_shop), await signed_in(corner_shop)
    async with following(corner_shop, visitor, page_of(order)) as (_, parts):
        await anext(parts)
        assert corner_shop.process.watchers.count == 1
    await until_nobody_watches(corner_shop)
