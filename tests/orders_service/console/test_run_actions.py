"""What may be done about a run from its page: only what its state allows, and it is written down who did it."""

import json
from typing import Any

import pytest

from tests.builders.console import signed_in
from tests.builders.console_runs import (
    completed_order,
    failed_order,
    half_undone_order,
    page_of,
    read,
    run_of,
    running_order,
    waiting_order,
)
from tests.builders.operations import audited, interventions
from tests.builders.shop import Shop

VERBS = {"retry", "retry-undo", "replay", "cancel"}


async def offered(shop: Shop, path: str) -> set[str]:
    html = await (await signed_in(shop)).see(path)
    return {verb for verb in VERBS if f'action="{path}/{verb}"' in html}


@pytest.mark.parametrize(
    ("arrange", "verbs"),
    [
        (completed_order, set()),  # it belongs to a record, which happens once
        (running_order, {"cancel"}),
        (waiting_order, {"cancel"}),
        (failed_order, {"retry"}),
        (half_undone_order, {"retry-undo"}),
    ],
)
async def test_what_the_state_allows_is_offered_and_nothing_else(
    corner_shop: Shop, arrange: Any, verbs: set[str]
) -> None:
    assert await offered(corner_shop, page_of(await arrange(corner_shop))) == verbs


async def test_what_belongs_to_no_record_may_happen_again(corner_shop: Shop) -> None:
    await failed_order(corner_shop)
    assert await offered(corner_shop, f"/console/runs/{run_of(corner_shop, 'tell-customer')}") == {"replay"}


async def test_a_dead_letter_is_retried_and_the_page_says_by_whom_and_why(shop: Shop) -> None:
    order = await failed_order(shop)
    answer = await (await signed_in(shop)).do(f"{page_of(order)}/retry", reason="the warehouse is back")
    text = read(answer.text)
    assert "It was taken up again." in text
    assert "admin retry reason: the warehouse is back" in text
    await shop.run_to_the_end()
    assert (await shop.shown(order))["status"] == "completed"
    entry = (await audited(shop))[-1]
    assert (entry["actor"], entry["action"], entry["after"]) == (
        "admin",
        "run_retried",
        {"reason": "the warehouse is back", "via": "console"},
    )


async def test_an_input_that_was_replaced_is_shown_without_its_secrets(corner_shop: Shop) -> None:
    order = await failed_order(corner_shop)
    run, steering = corner_shop.run(order), corner_shop.process.steering
    await corner_shop.write(
        "UPDATE runs SET payload = :input WHERE id = :of", input='{"token": "canary"}', of=run.id.hex
    )
    await corner_shop.process.write(steering.repair, run.id, json.loads(run.payload), actor="ops")
    text = read(await (await signed_in(corner_shop)).see(page_of(order)))
    assert 'ops repair before: { "token": "(hidden)" }' in text


async def test_an_open_run_is_cancelled(shop: Shop) -> None:
    order = await waiting_order(shop)
    answer = await (await signed_in(shop)).do(f"{page_of(order)}/cancel", reason="")
    assert "It is cancelled" in answer.text
    await shop.run_to_the_end()
    assert (await shop.shown(order))["status"] == "cancelled"
    assert interventions(shop) == [("admin", "cancel")]


async def test_an_undo_is_taken_up_again(shop: Shop) -> None:
    order = await half_undone_order(shop)
    answer = await (await signed_in(shop)).do(f"{page_of(order)}/retry-undo")
    assert "Undoing it goes on." in answer.text
    await shop.run_to_the_end()
    assert interventions(shop) == [("admin", "retry_undo")]
    assert "notify_warehouse failed, undone" in read(await (await signed_in(shop)).see(page_of(order)))


async def test_a_replay_leads_to_the_new_run(shop: Shop) -> None:
    await failed_order(shop)
    old = run_of(shop, "tell-customer")
    answer = await (await signed_in(shop)).do(f"/console/runs/{old}/replay", reason="they lost it")
    assert str(old) not in str(answer.url)
    assert "This is the new run" in answer.text
    await shop.run_to_the_end()
    assert len(shop.mail.notices) == 2


@pytest.mark.parametrize("verb", sorted(VERBS))
async def test_who_comes_too_late_is_told_so_and_nothing_is_written_down(corner_shop: Shop, verb: str) -> None:
    order = await completed_order(corner_shop)
    before = corner_shop.count("audit_entries")
    visitor = await signed_in(corner_shop)
    answer = await visitor.do(f"{page_of(order)}/{verb}")
    assert answer.status_code == 409
    assert "State conflict" in answer.text
    assert answer.headers["content-type"].startswith("text/html")
    assert (corner_shop.count("audit_entries"), interventions(corner_shop)) == (before + 1, [])  # the signing in


@pytest.mark.parametrize("reason", ["x" * 501, "a\x00b", "\u202etxt.exe", "  "])
async def test_a_reason_that_nobody_means_is_refused_on_a_page(corner_shop: Shop, reason: str) -> None:
    order = await failed_order(corner_shop)
    answer = await (await signed_in(corner_shop)).do(f"{page_of(order)}/retry", reason=reason)
    assert answer.status_code == 422
    assert answer.headers["content-type"].startswith("text/html")
    assert interventions(corner_shop) == []
