"""The page of one run, as a person reads it."""

import re
from uuid import uuid4

import pytest

from orders_service.settings import DEVELOPMENT_KEY
from tests.builders.console import signed_in, who_only_looks
from tests.builders.console_runs import (
    ON_FIRE,
    completed_order,
    failed_order,
    half_undone_order,
    page_of,
    read,
    rejected_order,
    run_of,
    running_order,
    waiting_order,
)
from tests.builders.imports import imported
from tests.builders.orders import an_address, an_order
from tests.builders.sales import reported
from tests.builders.shop import Shop
from tests.builders.subscriptions import subscribed

ATTACK = "<script>alert('here')</script>"


async def shown(shop: Shop, path: str) -> str:
    return read(await (await signed_in(shop)).see(path))


async def test_a_completed_order_is_shown_with_its_steps_and_what_it_is_about(shop: Shop) -> None:
    order = await completed_order(shop)
    text = await shown(shop, page_of(order))
    for said in ("fulfill-order completed", "Completed at", order["run"]["id"], order["id"], "ada@example.com"):
        assert said in text
    assert "Order completed" in text
    assert "1 \N{MULTIPLICATION SIGN} mug at 19.99 EUR" in text
    assert text.count(" done ") == 4


async def test_a_waiting_run_says_what_it_waits_for_and_which_attempt_is_next(shop: Shop) -> None:
    text = await shown(shop, page_of(await waiting_order(shop)))
    assert "for attempt 3 of 8 at notify_warehouse (WarehouseUnavailable: the warehouse is on fire)" in text
    assert "notify_warehouse waiting, attempt 3 of 8, in 10 min" in text


async def test_an_attempt_is_listed_with_its_outcome_its_error_and_the_wait_before_it(shop: Shop) -> None:
    text = await shown(shop, page_of(await waiting_order(shop)))
    assert "notify_warehouse do 2 retry WarehouseUnavailable: the warehouse is on fire" in text
    assert "10 min" in text.partition("notify_warehouse do 2")[2]


async def test_what_failed_was_undone_and_what_stays_are_told_apart(shop: Shop) -> None:
    text = await shown(shop, page_of(await failed_order(shop)))
    for said in ("reserve_stock undone", "send_confirmation done", "notify_warehouse failed, undone", "undo 1 success"):
        assert said in text


async def test_a_step_that_was_never_reached_is_told(shop: Shop) -> None:
    text = await shown(shop, page_of(await rejected_order(shop)))
    for said in ("validate_order rejected", "mailinator.com", "reserve_stock not reached"):
        assert said in text


async def test_an_attempt_that_is_being_made_is_shown_by_the_process_that_makes_it(shop: Shop) -> None:
    order = await running_order(shop)
    text = await shown(shop, page_of(order))
    assert "notify_warehouse running, attempt 1 of 8" in text
    assert f"owned by process {shop.process.process_id}" in text
    assert "under way" in text


async def test_the_picture_says_in_words_what_it_shows(shop: Shop) -> None:
    html = await (await signed_in(shop)).see(page_of(await waiting_order(shop)))
    assert "Time line of a waiting run of fulfill-order. validate_order: success;" in html
    assert "notify_warehouse: 2 attempts, the last one retry." in html


async def test_the_input_is_shown_as_it_was_given(shop: Shop) -> None:
    order = await shop.placed(an_order() | {"shipping_address": an_address(line2="Behind the mill")})
    assert '"line2": "Behind the mill"' in await shown(shop, page_of(order))


async def test_what_people_and_the_world_say_is_text(shop: Shop) -> None:
    shop.warehouse.door.troubles = [RuntimeError(ATTACK)]
    order = await shop.placed(an_order() | {"shipping_address": an_address(line1=ATTACK)})
    await shop.run_to_the_end()
    visitor = await signed_in(shop)
    await visitor.do(f"{page_of(order)}/retry", reason=ATTACK)
    html = await visitor.see(page_of(order))
    assert ATTACK not in html
    assert read(html).count(ATTACK) >= 4


async def test_a_report_is_shown_with_the_run_that_makes_it(shop: Shop) -> None:
    report = await reported(shop)
    text = await shown(shop, page_of(report))
    assert "Report completed" in text
    assert report["id"] in text
    assert '"report_id"' in text.partition("Results")[2]


async def test_an_import_is_shown_with_the_run_that_makes_it(shop: Shop) -> None:
    done = await imported(shop)
    text = await shown(shop, page_of(done))
    for said in ("Import completed", "File orders.csv", "Rows 1 of 1", "check_file attempt 1", '"rows": 1'):
        assert said in text


async def test_an_account_is_shown_with_the_run_that_welcomes_it(shop: Shop) -> None:
    await shop.customer(email="bob@example.com")
    await shop.run_to_the_end()
    text = await shown(shop, f"/console/runs/{run_of(shop, 'welcome')}")
    assert "Account active" in text
    assert "bob@example.com" in text


async def test_a_delivery_leads_to_what_was_sent(shop: Shop) -> None:
    endpoint = await subscribed(shop.api, "order.accepted", url="http://127.0.0.1:9/T0/confidential?token=classified")
    await completed_order(shop)
    visitor = await signed_in(shop)
    html = await visitor.see(f"/console/runs/{run_of(shop, 'deliver-event')}")
    [link] = re.findall(rf'href="(/console/webhooks/{endpoint["id"]}/deliveries/[^"]+)"', html)
    assert "order.accepted" in await visitor.see(link)
    for secret in (endpoint["secret"], "confidential", "classified"):
        assert secret not in html


async def test_a_mail_about_an_order_leads_to_the_run_that_was_to_fulfill_it(shop: Shop) -> None:
    order = await failed_order(shop)
    html = await (await signed_in(shop)).see(f"/console/runs/{run_of(shop, 'tell-customer')}")
    assert "Order failed" in read(html)
    assert f'href="{page_of(order)}"' in html


async def test_work_that_the_service_does_for_itself_is_about_nothing_else(corner_shop: Shop) -> None:
    await corner_shop.customer()
    await corner_shop.run_to_the_end()
    text = await shown(corner_shop, f"/console/runs/{run_of(corner_shop, 'record-login')}")
    assert "record-login completed" in text


@pytest.mark.parametrize("path", ["", "/events"])
async def test_a_run_that_nobody_knows_any_more_is_not_found(corner_shop: Shop, path: str) -> None:
    answer = await (await signed_in(corner_shop)).client.get(f"/console/runs/{uuid4()}{path}")
    assert answer.status_code == 404
    assert "There is no such run. It may have ended so long ago that it has been removed." in answer.text
    assert corner_shop.process.watchers.count == 0


async def test_a_run_of_code_that_is_gone_is_still_shown(corner_shop: Shop) -> None:
    order = await failed_order(corner_shop)
    await corner_shop.write("UPDATE runs SET version = 'elsewhere', pipeline = 'gone' WHERE finished_at IS NOT NULL")
    text = await shown(corner_shop, page_of(order))
    assert "gone failed" in text
    assert "notify_warehouse failed, undone" in text


async def test_very_many_attempts_do_not_make_a_page_of_that_size(corner_shop: Shop) -> None:
    order = await waiting_order(corner_shop)
    await corner_shop.write(
        "WITH RECURSIVE n(i) AS (SELECT 3 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) "
        "INSERT INTO attempts SELECT run_id, generation, step, kind, i, outcome, error, result, started_at, "
        "finished_at, place + i, version FROM attempts, n WHERE step = 'notify_warehouse' AND number = 2"
    )
    html = await (await signed_in(corner_shop)).see(page_of(order))
    assert "The latest 200; there are 803 earlier ones." in html
    assert len(html) < 400_000


async def test_a_shell_may_ask_the_same_without_anybodys_credential(corner_shop: Shop) -> None:
    order = await failed_order(corner_shop)
    text = await (await signed_in(corner_shop)).see(page_of(order))
    assert DEVELOPMENT_KEY not in text
    assert "Authorization: Bearer $ORDERS_KEY" in text
    assert f"/v1/runs/{order['run']['id']}/retry" in text


async def test_a_trace_is_named(corner_shop: Shop) -> None:
    order = await completed_order(corner_shop)
    trace = "0af7651916cd43dd8448eb211c80319c"
    await corner_shop.write("UPDATE runs SET traceparent = :of", of=f"00-{trace}-b7ad6b7169203331-01")
    assert trace in await shown(corner_shop, page_of(order))


async def test_who_it_is_about_is_shown_to_admins_alone(corner_shop: Shop) -> None:
    order = await failed_order(corner_shop)
    mail = f"/console/runs/{run_of(corner_shop, 'tell-customer')}"
    admin, other = await signed_in(corner_shop), await who_only_looks(corner_shop)
    for path in (page_of(order), mail):
        assert "ada@example.com" in await admin.see(path)
        seen = await other.see(path)
        assert "ada@example.com" not in seen
        assert an_address()["line1"] not in seen
        assert order["id"] in seen


async def test_whoever_only_looks_sees_all_of_it_and_no_button_that_changes_anything(corner_shop: Shop) -> None:
    order = await half_undone_order(corner_shop)
    html = await (await who_only_looks(corner_shop)).see(page_of(order))
    assert ON_FIRE in html
    assert f'action="{page_of(order)}' not in html
    assert "/retry-undo" not in html
