"""All that match are retried or cancelled from the console: seen first, asked about once more, done once."""

import re
from html import unescape
from html.parser import HTMLParser
from typing import Any
from uuid import UUID

import pytest

from orders_service.console import bulk_routes
from orders_service.gateways import WarehouseUnavailable
from pipelines.journal import filtering
from tests.builders.console import Visitor, signed_in, who_only_looks
from tests.builders.operations import audited, failed_orders, interventions
from tests.builders.shop import Shop

ON_FIRE = {"pipeline": "fulfill-order", "error": "on fire"}
WAITS_FOR_LONG = "UPDATE runs SET state = 'waiting', due_at = :due_at WHERE id = :id"  # the sweep takes what is due


class Form(HTMLParser):
    """The form of a page that sends something to this address, as a browser would send it."""

    def __init__(self, action: str, page: str) -> None:
        super().__init__()
        self.fields: dict[str, Any] = {}
        self._action, self._is_inside = action, False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        if tag == "form":
            self._is_inside = said.get("action") == self._action
        elif tag == "input" and self._is_inside:
            name, value = str(said["name"]), said.get("value") or ""
            self.fields[name] = [*self.fields[name], value] if name == "state" and name in self.fields else [value]


async def preview(visitor: Visitor, action: str, **asked: Any) -> str:
    return as_text(await visitor.see(f"/console/bulk/{action}", **asked))


async def last_form(visitor: Visitor, action: str, asked: dict[str, Any], **said: Any) -> dict[str, Any]:
    """By way of both pages to the form that does it."""
    first = Form(f"/console/bulk/{action}/confirm", await visitor.see(f"/console/bulk/{action}", **asked))
    second = await visitor.see(f"/console/bulk/{action}/confirm", **first.fields | said)
    return Form(f"/console/bulk/{action}", second).fields


async def send(visitor: Visitor, action: str, form: dict[str, Any]) -> Any:
    return await visitor.client.post(f"/console/bulk/{action}", data=form, follow_redirects=False)


def as_text(page: str) -> str:
    body = page.partition("<main")[2]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


def steering_runs(shop: Shop) -> list[UUID]:
    return [run.id for run in shop.runs() if run.pipeline == "steer-runs"]


async def states(shop: Shop, orders: list[Any]) -> list[str]:
    return [(await shop.shown(order))["status"] for order in orders]


async def test_a_preview_counts_and_shows_and_says_which_and_changes_nothing(shop: Shop) -> None:
    await failed_orders(shop, 2)
    before, visitor = shop.count("runs"), await signed_in(shop)
    page = await preview(visitor, "retry", **ON_FIRE, state=["failed", "completed"], within="1h")
    assert "2 runs failed of the pipeline fulfill-order with “on fire” in the error started at " in page
    assert page.count("RuntimeError: the warehouse is on fire") == 2
    assert "No filter is set" not in page
    await shop.settled()
    assert (shop.count("runs"), interventions(shop)) == (before, [])


async def test_more_than_ten_thousand_are_not_counted(corner_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filtering, "MOST_COUNTED", 1)
    await failed_orders(corner_shop, 2)
    visitor = await signed_in(corner_shop)
    assert "1+ runs" in await preview(visitor, "retry")
    page = as_text(await visitor.see("/console/bulk/retry/confirm", pace_per_second="0.5"))
    assert "Retry 1+ runs?" in page
    assert "0.5 per second: the last is due in 4.0 s or more" in page


async def test_without_a_filter_it_is_said_that_all_are_meant(corner_shop: Shop) -> None:
    await corner_shop.placed()
    page = await preview(await signed_in(corner_shop), "cancel", step="", within="")
    assert "No filter is set: this is about all of them." in page


async def test_all_that_match_are_retried_in_the_background_and_its_run_is_shown(shop: Shop) -> None:
    orders = await failed_orders(shop, 3)
    visitor = await signed_in(shop)
    form = await last_form(visitor, "retry", ON_FIRE, reason="the fire is out")
    answer = await send(visitor, "retry", form)
    [run] = steering_runs(shop)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/console/runs/{run}")
    await shop.run_to_the_end()
    assert await states(shop, orders) == ["completed"] * 3
    entry = (await audited(shop))[-1]
    assert (entry["actor"], entry["action"], entry["subject_id"]) == ("admin", "runs_retried", str(run))
    assert entry["after"].items() >= {"reason": "the fire is out", "pace_per_second": bulk_routes.USUAL_PACE}.items()
    assert entry["after"]["chosen"].items() >= ON_FIRE.items()


async def test_the_question_repeats_the_count_and_what_was_said(corner_shop: Shop) -> None:
    await failed_orders(corner_shop, 2)
    visitor = await signed_in(corner_shop)
    said = {"reason": "<b>because", "pace_per_second": "0.5", "most": "1"}
    page = as_text(await visitor.see("/console/bulk/retry/confirm", **ON_FIRE, **said))
    assert "Retry 1 run?" in page
    assert "Reason <b>because" in page
    assert "Pace 0.5 per second: the last is due in 2.0 s" in page
    assert "At most 1, the oldest first" in page
    assert page.count("Retry 1 run") == 2


async def test_no_more_are_retried_than_was_said(shop: Shop) -> None:
    orders = await failed_orders(shop, 3)
    visitor = await signed_in(shop)
    await send(visitor, "retry", await last_form(visitor, "retry", ON_FIRE, most="2", pace_per_second=""))
    await shop.run_to_the_end()
    assert await states(shop, orders) == ["completed", "completed", "failed"]


async def test_two_clicks_are_one(shop: Shop) -> None:
    await failed_orders(shop, 1)
    visitor = await signed_in(shop)
    form = await last_form(visitor, "retry", ON_FIRE)
    answers = [await send(visitor, "retry", form) for _ in range(2)]
    [run] = steering_runs(shop)
    assert [answer.headers["location"] for answer in answers] == [f"/console/runs/{run}"] * 2
    assert [entry["action"] for entry in await audited(shop)].count("runs_retried") == 1


async def test_a_page_that_is_asked_for_again_is_another_order(corner_shop: Shop) -> None:
    await failed_orders(corner_shop, 1)
    visitor = await signed_in(corner_shop)
    for form in [await last_form(visitor, "retry", {"state": "failed"}) for _ in range(2)]:
        await send(visitor, "retry", form)
    assert len(steering_runs(corner_shop)) == 2


async def test_the_same_form_with_other_words_is_refused(corner_shop: Shop) -> None:
    await failed_orders(corner_shop, 1)
    visitor = await signed_in(corner_shop)
    form = await last_form(visitor, "retry", ON_FIRE)
    await send(visitor, "retry", form)
    answer = await send(visitor, "retry", form | {"reason": "another"})
    assert (answer.status_code, "idempotency-key-conflict" in answer.text) == (422, True)
    assert len(steering_runs(corner_shop)) == 1


async def test_what_comes_in_after_it_was_counted_is_left_in_peace(shop: Shop) -> None:
    visitor = await signed_in(shop)
    shop.warehouse.door.troubles = [WarehouseUnavailable("503")] * 3
    orders = [await shop.placed() for _ in range(2)]
    await shop.settled()
    form = await last_form(visitor, "cancel", {}, reason="the warehouse has burned down")
    later = await shop.placed()
    await shop.settled()
    await send(visitor, "cancel", form)
    await shop.run_to_the_end()
    assert await states(shop, [*orders, later]) == ["cancelled", "cancelled", "completed"]
    assert {shop.run(order).reason for order in orders} == {"the warehouse has burned down"}


async def test_no_more_are_retried_than_were_counted(corner_shop: Shop) -> None:
    """They were started before, and only died while somebody thought about it."""
    orders = await failed_orders(corner_shop, 3)
    visitor = await signed_in(corner_shop)
    youngest = orders[-1]["run"]["id"].replace("-", "")
    await corner_shop.write(WAITS_FOR_LONG, id=youngest, due_at="2100-01-01 00:00:00.000000")
    form = await last_form(visitor, "retry", {"pipeline": "fulfill-order"}, pace_per_second="")
    await corner_shop.write("UPDATE runs SET state = 'failed' WHERE id = :id", id=youngest)
    await send(visitor, "retry", form)
    await corner_shop.run_to_the_end()
    assert await states(corner_shop, orders) == ["completed", "completed", "failed"]


async def test_where_nothing_matches_nothing_can_be_sent(corner_shop: Shop) -> None:
    visitor = await signed_in(corner_shop)
    assert "There is nothing to retry." in await preview(visitor, "retry", **ON_FIRE)
    page = await visitor.see("/console/bulk/retry/confirm", **ON_FIRE)
    assert "There is nothing to retry" in page
    assert Form("/console/bulk/retry", page).fields == {}
    assert "in none of the states" in await preview(visitor, "cancel", state="completed")


@pytest.mark.parametrize(
    "spoiled",
    [
        {"state": ["lost"]},
        {"created_before": "yesterday"},
        {"error": "a\x00b"},
        {"reason": "two\nlines"},
        {"pace_per_second": "0"},
        {"pace_per_second": "nan"},
        {"pace_per_second": "fast"},
        {"most": "0"},
        {"most": "1.5"},
        {"key": ""},
        {"key": "short"},
        {"key": "ü" * 20},
        {"limit": "1"},
        {"owner": "ada"},
    ],
)
async def test_a_form_that_no_page_of_ours_sends_is_refused(corner_shop: Shop, spoiled: dict[str, Any]) -> None:
    await failed_orders(corner_shop, 1)
    visitor = await signed_in(corner_shop)
    answer = await send(visitor, "retry", await last_form(visitor, "retry", ON_FIRE) | spoiled)
    assert answer.status_code in {400, 422}
    assert steering_runs(corner_shop) == []


async def test_there_are_two_things_that_can_be_done(corner_shop: Shop) -> None:
    visitor = await signed_in(corner_shop)
    assert (await visitor.client.get("/console/bulk/delete")).status_code == 422


@pytest.mark.parametrize("path", ["/console/bulk/retry", "/console/bulk/cancel/confirm"])
async def test_whoever_only_looks_is_not_asked(corner_shop: Shop, path: str) -> None:
    assert (await (await who_only_looks(corner_shop)).client.get(path)).status_code == 403
