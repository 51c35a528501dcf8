"""Runs are found by what stands in the URL, a page at a time, and by an id that somebody has in hand."""

import re
from datetime import timedelta
from html import unescape
from typing import Any
from uuid import UUID

import pytest

from orders_service.console import runs_routes
from orders_service.gateways import WarehouseUnavailable
from tests.builders.console import Visitor, signed_in, who_only_looks
from tests.builders.operations import failed_orders
from tests.builders.shop import Shop

_RUN = re.compile(r'class="id" href="/console/runs/([0-9a-f-]{36})"')
_OLDER = re.compile(r'rel="next" href="([^"]+)"')
UNKNOWN = UUID(int=1)


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


async def listed(visitor: Visitor, **query: Any) -> list[str]:
    return _RUN.findall(await visitor.see("/console/runs", **query))


def as_text(page: str) -> str:
    """What a person reads, in one line."""
    body = page.partition("<main")[2]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


async def sought(visitor: Visitor, what: str) -> Any:
    return await visitor.client.get("/console/find", params={"id": what}, follow_redirects=False)


async def test_runs_are_listed_newest_first_with_all_that_tells_how_they_stand(shop: Shop) -> None:
    runs, visitor = await in_three_states(shop), await signed_in(shop)
    page = await visitor.see("/console/runs", pipeline="fulfill-order")
    assert _RUN.findall(page) == [runs["waiting"], runs["completed"], runs["failed"]]
    waits, completed, failed = (as_text("<main" + row) for row in page.split("<tr>")[2:])
    assert "notify_warehouse 2 of 8 in 10 min WarehouseUnavailable: 503" in waits
    assert "completed" in completed
    assert "RuntimeError: the warehouse is on fire" in failed


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"state": ["failed", "waiting"]}, {"failed", "waiting"}),
        ({"state": "cancelled"}, set()),
        ({"pipeline": "fulfill-order", "state": "completed"}, {"completed"}),
        ({"pipeline": "fulfill-order", "step": "notify_warehouse", "state": "waiting"}, {"waiting"}),
        ({"error": "ON fire", "state": "failed"}, {"failed"}),
        ({"version": "another"}, set()),
        ({"pipeline": "fulfill-order", "within": "15m"}, {"failed", "waiting", "completed"}),
        ({"pipeline": "fulfill-order", "created_before": "2020-01-01T00:00"}, set()),
        ({"pipeline": "fulfill-order", "created_after": "2020-01-01T00:00:00Z"}, {"failed", "waiting", "completed"}),
        (dict.fromkeys(["step", "error", "version", "within", "created_after"], "") | {"state": "failed"}, {"failed"}),
    ],
)
async def test_what_is_asked_for_is_found(corner_shop: Shop, asked: dict[str, Any], expected: set[str]) -> None:
    runs, visitor = await in_three_states(corner_shop), await signed_in(corner_shop)
    assert set(await listed(visitor, **asked)) == {runs[state] for state in expected}


async def test_the_form_shows_what_was_asked_for(corner_shop: Shop) -> None:
    page = await (await signed_in(corner_shop)).see(
        "/console/runs",
        pipeline="gone-by-now",
        state=["failed"],
        step="a_step",
        error='"><b>',
        within="1h",
        created_after="2026-11-28T12:00:00+02:00",
    )
    assert "<option selected>gone-by-now</option>" in page
    assert 'value="failed" checked' in page
    assert 'name="step" list="steps" maxlength="100" value="a_step"' in page
    assert 'value="&#34;&gt;&lt;b&gt;"' in page
    assert '<option value="1h" selected>' in page
    assert 'value="2026-11-28T10:00:00"' in page
    assert "<details open>" in page
    assert "No run matches." in page


async def test_the_last_hour_is_that_of_the_clock(shop: Shop) -> None:
    visitor, first = await signed_in(shop), await shop.placed()
    shop.clock.advance(timedelta(hours=2))
    second = await shop.placed()
    assert await listed(visitor, within="1h") == [second["run"]["id"]]
    assert await listed(visitor, within="24h") == [second["run"]["id"], first["run"]["id"]]
    assert await listed(visitor, within="24h", created_after=shop.clock.now().isoformat()) == []


async def test_pages_follow_one_another_under_their_filter(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs_routes, "ON_A_PAGE", 2)
    orders = [await shop.placed() for _ in range(5)]
    await shop.settled()
    visitor, read = await signed_in(shop), list[str]()
    page = await visitor.see("/console/runs", pipeline="fulfill-order", within="24h")
    while older := _OLDER.search(page):
        read += _RUN.findall(page)
        page = (await visitor.client.get(unescape(older[1]))).text
    assert read + _RUN.findall(page) == [order["run"]["id"] for order in reversed(orders)]
    assert 'href="/console/runs?pipeline=fulfill-order&amp;within=24h">Newest</a>' in page


@pytest.mark.parametrize(
    "query",
    [
        "state=lost",
        "state=failed&state=FAILED",
        "created_after=yesterday",
        "created_before=1700000000",
        "within=1y",
        "cursor=x",
        "pipeline=a%00b",
        "step=" + "x" * 101,
        "error=" + "x" * 201,
        "owner=ada",
    ],
)
async def test_a_question_that_nobody_means_is_refused_on_a_page(corner_shop: Shop, query: str) -> None:
    answer = await (await signed_in(corner_shop)).client.get(f"/console/runs?{query}")
    assert answer.status_code == 422
    assert "<h1>Invalid request</h1>" in answer.text


async def test_a_cursor_of_another_filter_is_refused(corner_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs_routes, "ON_A_PAGE", 1)
    visitor = await signed_in(corner_shop)
    for _ in range(2):
        await corner_shop.placed()
    older = _OLDER.search(await visitor.see("/console/runs"))
    assert older is not None
    assert (await visitor.client.get(unescape(older[1]) + "&state=failed")).status_code == 422


async def test_what_an_error_says_is_text(corner_shop: Shop) -> None:
    corner_shop.warehouse.door.troubles = [RuntimeError("<script>alert('x')</script>")]
    await corner_shop.placed()
    await corner_shop.run_to_the_end()
    page = await (await signed_in(corner_shop)).see("/console/runs", state="failed")
    assert "<script>alert" not in page
    assert "RuntimeError: &lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;" in page


async def test_what_may_be_done_to_all_that_match_is_offered_to_whoever_may(corner_shop: Shop) -> None:
    await failed_orders(corner_shop, 1)
    visitor, onlooker = await signed_in(corner_shop), await who_only_looks(corner_shop)
    page = await visitor.see("/console/runs", state="failed", error="on fire")
    assert 'href="/console/bulk/retry?error=on+fire&amp;state=failed"' in page
    assert "/console/bulk/cancel" not in page
    page = await visitor.see("/console/runs", pipeline="fulfill-order")
    assert "/console/bulk/cancel?pipeline=fulfill-order" in page
    assert "/console/bulk/" not in await onlooker.see("/console/runs", state="failed")


async def test_an_id_of_a_run_or_of_an_order_leads_to_the_run(shop: Shop) -> None:
    order, visitor = await shop.placed(), await signed_in(shop)
    run = order["run"]["id"]
    for said in (run, f"  {run.upper()} ", run.replace("-", ""), order["id"]):
        answer = await sought(visitor, said)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/console/runs/{run}")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("", "That is no whole id"),
        ("01a1fccd", "That is no whole id"),
        ("<b>\x00", "That is no whole id"),
        (str(UNKNOWN), "No run and no order has this id."),
    ],
)
async def test_an_id_that_leads_nowhere_is_said_to(corner_shop: Shop, said: str, told: str) -> None:
    answer = await sought(await signed_in(corner_shop), said)
    assert (answer.status_code, told in answer.text, "<b>" in answer.text) == (404, True, False)


async def test_of_an_order_whose_run_is_gone_that_is_told(corner_shop: Shop) -> None:
    order, visitor = await corner_shop.placed(), await signed_in(corner_shop)
    await corner_shop.settled()
    await corner_shop.write("DELETE FROM runs")
    answer = await sought(visitor, order["id"])
    assert answer.status_code == 404
    assert "its run ended so long ago that it has been deleted" in answer.text
