"""The page of the audit: who did what to what, filtered, paged, and as a file."""

import csv
import io
from datetime import timedelta
from typing import Any

import pytest

from orders_service.audit import AuditFilter, Note, record
from orders_service.audit import viewing as audit_viewing
from orders_service.auth import Scope, issue_key
from pipelines import Transaction
from tests.builders.console import Visitor, signed_in, who_only_looks
from tests.builders.shop import Shop

PAGE = "/console/audit"
EVIL = "<script>alert(1)</script>"
RUN = "01a1fccd-1aee-748f-9e6d-a53a446f6bc9"
HOUR = timedelta(hours=1)


async def recorded(
    shop: Shop, *, before: dict[str, Any] | None = None, after: dict[str, Any] | None = None, **said: Any
) -> None:
    usual = {"actor": "ada", "actor_type": "key", "action": "mug_broken", "subject_type": "mug", "subject_id": "M-1"}

    def write(tx: Transaction) -> None:
        record(tx, Note(**usual | said), before=before, after=after)

    await shop.process.write(write)


async def reader(shop: Shop) -> Visitor:
    """Somebody who may read the audit. His own signing in is the newest entry."""
    scopes = (Scope.OPERATIONS_READ, Scope.AUDIT_READ)
    return await signed_in(shop, await shop.process.write(issue_key, "reader", scopes=scopes))


def next_after(page: str) -> str:
    """Where the page goes on."""
    return page.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")


async def exported(visitor: Visitor, **asked: Any) -> list[dict[str, str]]:
    text = await visitor.see(f"{PAGE}.csv", **asked)
    return list(csv.DictReader(io.StringIO(text, newline="")))


async def test_an_entry_says_who_did_what_to_what_and_how_it_was_before(corner_shop: Shop) -> None:
    await recorded(corner_shop, before={"count": 2, "price": {"amount": 10**20}}, after={"count": 1}, request_id="r-1")
    page = await (await reader(corner_shop)).see(PAGE)
    for word in ("ada", "mug_broken", "M-1", "<del>2</del> → <ins>1</ins>", "100000000000000000000", "r-1"):
        assert word in page


async def test_what_is_done_at_the_console_is_told_as_such(corner_shop: Shop) -> None:
    await recorded(corner_shop)
    page = await (await reader(corner_shop)).see(PAGE, action="console_signed_in")
    assert "through the console" in page
    assert "through the" not in await (await reader(corner_shop)).see(PAGE, action="mug_broken")


@pytest.mark.parametrize(
    ("subject_type", "subject_id", "path"),
    [
        ("run", RUN, f"/console/runs/{RUN}"),
        ("webhook_endpoint", RUN, f"/console/webhooks/{RUN}"),
        ("schedule", "daily-report", "/console/schedules#daily-report"),
        ("import", RUN, f"/console/jobs/imports/{RUN}"),
        ("report", RUN, f"/console/jobs/reports/{RUN}"),
        ("order", RUN, f"/console/find?id={RUN}"),
        ("pipeline", "fulfill-order", "/console/runs?pipeline=fulfill-order"),
    ],
)
async def test_what_has_a_page_is_linked(corner_shop: Shop, subject_type: str, subject_id: str, path: str) -> None:
    await recorded(corner_shop, subject_type=subject_type, subject_id=subject_id)
    assert f'href="{path}"' in await (await reader(corner_shop)).see(PAGE)


async def test_what_a_run_did_by_itself_leads_to_the_run(corner_shop: Shop) -> None:
    await recorded(corner_shop, actor=f"deliver-event/{RUN}", actor_type="service")
    assert f'href="/console/runs/{RUN}"' in await (await reader(corner_shop)).see(PAGE)


@pytest.mark.parametrize(
    "asked",
    [
        {"actor": "bob"},
        {"action": "mug_bought"},
        {"subject_type": "cup"},
        {"subject_id": "M-2"},
        {"request_id": "r-2"},
    ],
)
async def test_entries_are_found_by_their_words_and_empty_fields_ask_for_nothing(
    corner_shop: Shop, asked: dict[str, Any]
) -> None:
    await recorded(corner_shop, after={"mark": "first"})
    await recorded(corner_shop, after={"mark": "second"}, **asked)
    empty = {"actor": "", "action": "", "subject_type": "", "created_after": "", "created_before": ""}
    page = await (await reader(corner_shop)).see(PAGE, **empty | asked)
    assert ("first" in page, "second" in page) == (False, True)


async def test_entries_are_found_by_their_time_in_utc(corner_shop: Shop) -> None:
    await recorded(corner_shop, after={"mark": "early"})
    corner_shop.clock.advance(HOUR)
    between = f"{corner_shop.clock.now():%Y-%m-%dT%H:%M:%S}"
    corner_shop.clock.advance(HOUR)
    await recorded(corner_shop, after={"mark": "late"})
    visitor = await reader(corner_shop)
    since, until = await visitor.see(PAGE, created_after=between), await visitor.see(PAGE, created_before=between)
    assert ("early" in since, "late" in since) == (False, True)
    assert ("early" in until, "late" in until) == (True, False)


async def test_pages_keep_the_filter(corner_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orders_service.console.audit._ON_A_PAGE", 1)
    for mark in ("first", "second"):
        await recorded(corner_shop, after={"mark": mark})
    visitor = await reader(corner_shop)
    newest = await visitor.see(PAGE, actor="ada")
    older = (await visitor.client.get(next_after(newest))).text
    assert ("first" in newest, "second" in newest) == (False, True)
    assert ("first" in older, "second" in older) == (True, False)


async def test_what_matches_can_be_had_as_a_file(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_viewing, "MOST_AT_ONCE", 2)
    for number in range(5):
        await recorded(shop, subject_id=str(number), before={"count": number}, after={"count": 1})
        await recorded(shop, actor="bob")
    rows = await exported(await reader(shop), actor="ada")
    assert [row["subject_id"] for row in rows] == ["4", "3", "2", "1", "0"]
    assert (rows[0]["before"], rows[0]["after"], rows[0]["ip"]) == ('{"count": 4}', '{"count": 1}', "")


async def test_a_file_has_the_newest_so_many(corner_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        await recorded(corner_shop, subject_id=str(number))
    monkeypatch.setattr(audit_viewing, "MOST_AT_ONCE", 1)
    lines = "".join(audit_viewing.as_csv(corner_shop.process.readers, AuditFilter(actor="ada"), most=2))
    assert [row["subject_id"] for row in csv.DictReader(io.StringIO(lines, newline=""))] == ["2", "1"]


async def test_no_cell_of_it_is_a_formula(corner_shop: Shop) -> None:
    await recorded(corner_shop, subject_id='=HYPERLINK("http://x")')
    [row] = await exported(await reader(corner_shop), actor="ada")
    assert row["subject_id"] == '\'=HYPERLINK("http://x")'


async def test_the_file_is_saved_and_never_shown(corner_shop: Shop) -> None:
    answer = await (await reader(corner_shop)).client.get(f"{PAGE}.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="audit.csv"'
    assert (answer.headers["cache-control"], answer.headers["x-content-type-options"]) == ("no-store", "nosniff")


async def test_what_people_have_written_is_text(corner_shop: Shop) -> None:
    written: dict[str, Any] = {
        "actor": EVIL,
        "subject_id": f'"{EVIL}',
        "action": EVIL,
        "subject_type": EVIL,
        "request_id": f"'{EVIL}",
    }
    await recorded(corner_shop, after={EVIL: EVIL}, **written)
    page = await (await reader(corner_shop)).see(PAGE, actor=EVIL)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert EVIL not in page


@pytest.mark.parametrize(
    "query",
    [
        "actor=a%00b",
        "actor=" + "x" * 201,
        "created_after=yesterday",
        "created_before=9999-12-31T23:59-12:00",
        "cursor=" + "x" * 1001,
    ],
)
async def test_what_cannot_be_asked_is_refused_in_words(corner_shop: Shop, query: str) -> None:
    visitor = await reader(corner_shop)
    for path in (PAGE, f"{PAGE}.csv"):
        answer = await visitor.client.get(f"{path}?{query}")
        assert answer.status_code == 422
        assert "Back to the overview" in answer.text


async def test_a_cursor_of_another_list_is_refused_in_words(corner_shop: Shop) -> None:
    answer = await (await reader(corner_shop)).client.get(f"{PAGE}?cursor=x")
    assert answer.status_code == 422
    assert "The cursor was given for another list" in answer.text


async def test_it_is_neither_shown_nor_offered_to_others(corner_shop: Shop) -> None:
    visitor = await who_only_looks(corner_shop)
    assert PAGE not in await visitor.see("/console")
    for path in (PAGE, f"{PAGE}.csv"):
        assert (await visitor.client.get(path)).status_code == 403
