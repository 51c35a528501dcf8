"""The page of schedules: when, when next, how it went last; and what an operator does about it."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from orders_service.background import SCHEDULES
from tests.builders.console import Visitor, signed_in, who_only_looks
from tests.builders.operations import audited
from tests.builders.shop import Shop, between_ticks, open_shop

PAGE = "/console/schedules"
NIGHTLY = "cleanup-sessions"
POLLS = 'hx-trigger="every 2s"'


@pytest.fixture
async def clockwork(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Shop]:
    """The service with its schedules; it has seen them."""
    async with open_shop(sqlite_url, tmp_path, schedules=SCHEDULES, clock=between_ticks()) as shop:
        await shop.advance(timedelta(0))
        yield shop


def row_of(page: str, name: str) -> str:
    found = re.search(rf'<tr id="{name}">.*?</tr>', page, re.DOTALL)
    assert found
    return found[0]


async def do(visitor: Visitor, verb: str, name: str = NIGHTLY) -> str:
    await visitor.see(PAGE)
    answer = await visitor.do(f"{PAGE}/{name}/{verb}")
    assert (answer.status_code, answer.url.path) == (200, PAGE)
    return answer.text


async def test_each_schedule_has_its_expression_its_sentence_and_its_next_time(clockwork: Shop) -> None:
    page = await (await signed_in(clockwork)).see(PAGE)
    row = row_of(page, NIGHTLY)
    assert "0 0 * * * UTC" in row
    assert "Every midnight: forget sessions that have ended." in row
    assert "00:00:00 UTC" in row
    assert "not yet" in row
    assert page.count("<tr id=") == len(SCHEDULES)


async def test_what_is_triggered_shows_its_run_and_how_it_goes_on(clockwork: Shop) -> None:
    visitor = await signed_in(clockwork)
    assert "A run has been started" in await do(visitor, "trigger")
    await clockwork.settled()
    [run] = clockwork.runs()
    row = row_of(await visitor.see(PAGE), NIGHTLY)
    assert f'href="/console/runs/{run.id}"' in row
    assert "completed" in row
    [_, entry] = await audited(clockwork)
    assert (entry["action"], entry["after"]) == ("schedule_triggered", {"run": str(run.id), "via": "console"})


async def test_the_table_asks_for_itself_again_only_while_a_run_goes_on(clockwork: Shop) -> None:
    visitor = await signed_in(clockwork)
    assert POLLS not in await visitor.see(PAGE)
    await clockwork.api.post(f"/v1/pipelines/{NIGHTLY}/pause", json={"reason": "so that its run waits"})
    await do(visitor, "trigger")
    await clockwork.settled()
    assert POLLS in await visitor.see(f"{PAGE}/table")
    await clockwork.api.post(f"/v1/pipelines/{NIGHTLY}/resume")
    await clockwork.run_to_the_end()
    assert POLLS not in await visitor.see(f"{PAGE}/table")


async def test_a_schedule_is_paused_and_resumed_and_says_by_whom(clockwork: Shop) -> None:
    visitor = await signed_in(clockwork)
    paused = await do(visitor, "pause")
    assert "by admin" in row_of(paused, NIGHTLY)
    assert f"{PAGE}/{NIGHTLY}/resume" in paused
    resumed = await do(visitor, "resume")
    assert "by admin" not in row_of(resumed, NIGHTLY)
    assert f"{PAGE}/{NIGHTLY}/pause" in resumed


async def test_pausing_twice_is_a_conflict_that_people_can_read(clockwork: Shop) -> None:
    visitor = await signed_in(clockwork)
    await do(visitor, "pause")
    answer = await visitor.do(f"{PAGE}/{NIGHTLY}/pause")
    assert answer.status_code == 409
    assert "State conflict" in answer.text


async def test_an_unknown_schedule_is_not_there(clockwork: Shop) -> None:
    visitor = await signed_in(clockwork)
    assert (await visitor.do(f"{PAGE}/nothing/trigger")).status_code == 404


async def test_one_that_should_have_fired_long_ago_is_overdue(clockwork: Shop) -> None:
    clockwork.process.begin_to_drain()  # else it fires them before anybody looks
    await clockwork.write("UPDATE schedules SET next_fire_at = :then", then="2020-01-01 00:00:00.000000")
    assert "overdue" in await (await signed_in(clockwork)).see(PAGE)


async def test_whoever_only_looks_sees_no_buttons(clockwork: Shop) -> None:
    page = await (await who_only_looks(clockwork)).see(PAGE)
    assert NIGHTLY in page
    assert "Trigger now" not in page
    assert "Pause" not in page


async def test_a_part_of_a_page_does_not_take_in_the_sign_in(clockwork: Shop) -> None:
    """The browser goes there as a whole, and comes back to where it was."""
    answer = await Visitor(clockwork).client.get(
        f"{PAGE}/table", headers={"HX-Current-URL": "https://shop.test/console/schedules"}
    )
    assert (answer.status_code, answer.headers["hx-redirect"]) == (204, "https://shop.test/console/schedules")
