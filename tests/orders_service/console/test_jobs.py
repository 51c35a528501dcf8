"""Imports and reports at the console: how far they are, what came of them, and who may stop or read them."""

import re
from html import unescape
from typing import Any

import pytest

from orders_service.auth import Scope, issue_key
from pipelines import pause
from tests.builders.console import Visitor, signed_in, who_only_looks
from tests.builders.imports import a_file, a_row, accepted, imported, sent
from tests.builders.sales import a_sale, reported, requested, sold
from tests.builders.shop import Shop

JOBS = "/console/jobs"
HOSTILE = "<img src=x onerror=alert(1)>.csv"


def words(html: str) -> str:
    """What a person reads, in one line."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())


async def standing_still(shop: Shop, *pipelines: str) -> None:
    """Nothing of these goes on, so that what is open stays open."""
    for each in pipelines or ("import-orders", "make-report"):
        await shop.process.write(pause, each, actor="a test", reason="or it would have ended")


async def whose_key_may(shop: Shop, name: str, *scopes: Scope) -> Visitor:
    return await signed_in(shop, await shop.process.write(issue_key, name, scopes=(Scope.OPERATIONS_READ, *scopes)))


async def set_progress(shop: Shop, order_import: Any, done: int, total: int) -> None:
    statement = "UPDATE imports SET rows_done = :done, rows_total = :total WHERE id = :id"
    await shop.write(statement, done=done, total=total, id=order_import["id"].replace("-", ""))


async def test_a_running_import_has_a_bar_that_moves(corner_shop: Shop) -> None:
    await standing_still(corner_shop)
    order_import = await accepted(corner_shop, a_file())
    visitor = await signed_in(corner_shop)
    for path in (JOBS, f"{JOBS}/imports/{order_import['id']}"):
        await set_progress(corner_shop, order_import, 300, 1200)
        page = await visitor.see(path)
        assert '<progress value="300" max="1200">' in page
        assert 'hx-trigger="every 1s"' in page
        await set_progress(corner_shop, order_import, 600, 1200)
        assert '<progress value="600" max="1200">' in await visitor.see(path)


async def test_a_report_that_is_being_made_has_one_too(corner_shop: Shop) -> None:
    await standing_still(corner_shop)
    report = await requested(corner_shop)
    visitor = await signed_in(corner_shop)
    for path in (JOBS, f"{JOBS}/reports/{report['id']}"):
        page = await visitor.see(path)
        assert '<progress value="0" max="100">' in page
        assert "pending" in words(page)


async def test_what_has_ended_says_how_and_asks_no_more(shop: Shop) -> None:
    order_import = await imported(shop, a_row("A-1"), a_row("A-2", sku="no-such"))
    report = await reported(shop, type="stock")
    visitor = await signed_in(shop)
    listed = words(await visitor.see(JOBS))
    assert "orders.csv completed 2 rows 1 1 admin" in listed
    assert "stock" in listed
    for path in (f"{JOBS}/imports/{order_import['id']}", f"{JOBS}/reports/{report['id']}"):
        page = await visitor.see(path)
        assert "completed" in words(page)
        assert "hx-trigger" not in page
        assert "/cancel" not in page


async def test_what_was_wrong_in_a_file_is_shown_and_downloaded(corner_shop: Shop) -> None:
    order_import = await imported(corner_shop, a_row("A-1"), a_row("A-2", sku="no-such"))
    visitor = await signed_in(corner_shop)
    here = f"{JOBS}/imports/{order_import['id']}"
    assert "3 A-2 sku This product is not in the catalog." in words(await visitor.see(here))
    answer = await visitor.client.get(f"{here}/errors")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/csv; charset=utf-8")
    assert '"A-2"' in answer.text


async def test_a_report_shows_its_figures_and_gives_its_files(shop: Shop) -> None:
    await sold(shop, a_sale(price=1250, mug=2))
    report = await reported(shop, since="2026-03-10", until="2026-03-10")
    visitor = await signed_in(shop)
    here = f"{JOBS}/reports/{report['id']}"
    assert "Revenue 25.00 EUR" in words(await visitor.see(here))
    files = {
        name: await visitor.client.get(f"{here}/file", params={"format": name}) for name in ("html", "csv", "json")
    }
    assert {name: file.headers["content-type"].partition(";")[0] for name, file in files.items()} == {
        "html": "text/html",
        "csv": "text/csv",
        "json": "application/json",
    }
    assert "style-src 'sha256-" in files["html"].headers["content-security-policy"]
    assert files["csv"].headers["content-disposition"].startswith("attachment")


async def test_an_import_is_cancelled_and_its_page_says_so(shop: Shop) -> None:
    await standing_still(shop)
    order_import = await accepted(shop, a_file())
    visitor = await signed_in(shop)
    await visitor.see(JOBS)
    told = await visitor.do(f"{JOBS}/imports/{order_import['id']}/cancel")
    assert told.status_code == 200
    assert "Cancelled. It stops within moments" in words(told.text)
    assert (await shop.api.get(f"/v1/imports/{order_import['id']}")).json()["state"] == "cancelled"
    entry = (await shop.api.get("/v1/audit")).json()["items"][0]
    assert (entry["action"], entry["actor"]) == ("import_cancelled", "admin")


async def test_an_operator_cancels_whoevers_they_are(corner_shop: Shop) -> None:
    await standing_still(corner_shop)
    order_import, report = await accepted(corner_shop, a_file()), await requested(corner_shop)
    operator = await whose_key_may(corner_shop, "olga", Scope.OPERATIONS_WRITE)
    for path in (f"imports/{order_import['id']}", f"reports/{report['id']}"):
        told = await operator.do(f"{JOBS}/{path}/cancel")
        assert "Cancelled." in words(told.text)
    entries = (await corner_shop.api.get("/v1/audit")).json()["items"][:2]
    assert [(entry["action"], entry["actor"]) for entry in entries] == [
        ("report_cancelled", "olga"),
        ("import_cancelled", "olga"),
    ]


async def test_what_has_ended_cannot_be_cancelled(corner_shop: Shop) -> None:
    order_import, report = await imported(corner_shop, a_row()), await reported(corner_shop)
    visitor = await signed_in(corner_shop)
    answers = [
        await visitor.do(f"{JOBS}/imports/{order_import['id']}/cancel"),
        await visitor.do(f"{JOBS}/reports/{report['id']}/cancel"),
    ]
    assert [answer.status_code for answer in answers] == [409, 409]
    assert all("completed" in words(answer.text) for answer in answers)


async def test_who_may_not_read_others_data_sees_that_it_is_there_and_no_more(corner_shop: Shop) -> None:
    order_import = await imported(corner_shop, a_row("A-1", sku="no-such"))
    await sold(corner_shop, a_sale())
    report = await reported(corner_shop, since="2026-03-10", until="2026-03-10")
    visitor = await whose_key_may(corner_shop, "rita", Scope.REPORTS, Scope.IMPORTS)
    import_page = await visitor.see(f"{JOBS}/imports/{order_import['id']}")
    report_page = await visitor.see(f"{JOBS}/reports/{report['id']}")
    assert "Wrong rows 1" in words(import_page)
    assert "not in the catalog" not in import_page
    assert "Revenue" not in report_page
    refused = [
        await visitor.client.get(f"{JOBS}/imports/{order_import['id']}/errors"),
        await visitor.client.get(f"{JOBS}/reports/{report['id']}/file"),
    ]
    assert [answer.status_code for answer in refused] == [403, 403]


async def test_whoever_only_looks_sees_no_button(corner_shop: Shop) -> None:
    await standing_still(corner_shop)
    order_import, report = await accepted(corner_shop, a_file()), await requested(corner_shop)
    visitor = await who_only_looks(corner_shop)
    for path in (JOBS, f"{JOBS}/imports/{order_import['id']}", f"{JOBS}/reports/{report['id']}"):
        assert "/cancel" not in await visitor.see(path)
    assert (await visitor.do(f"{JOBS}/imports/{order_import['id']}/cancel")).status_code == 403


async def test_the_name_of_a_file_is_shown_as_text(corner_shop: Shop) -> None:
    answer = await sent(corner_shop.api, a_file(), name=HOSTILE)
    visitor = await signed_in(corner_shop)
    for path in (JOBS, f"{JOBS}/imports/{answer.json()['id']}"):
        page = await visitor.see(path)
        assert "<img src=x" not in page
        assert "onerror=alert(1)>.csv" in unescape(page)


async def test_older_ones_are_a_page_away(corner_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orders_service.console.jobs_routes.ON_A_PAGE", 2)
    await standing_still(corner_shop)
    for number in range(3):
        await sent(corner_shop.api, a_file(), name=f"file-{number}.csv")
        await requested(corner_shop, type="stock" if number == 0 else "sales")
    visitor = await signed_in(corner_shop)
    newest = await visitor.see(JOBS)
    assert re.findall(r">(file-\d)\.csv<", newest) == ["file-2", "file-1"]
    older = {name: unescape(target) for target, name in re.findall(r'href="([^"]+)">(Older \w+)<', newest)}
    imports = (await visitor.client.get(older["Older imports"])).text
    reports = (await visitor.client.get(older["Older reports"])).text
    assert re.findall(r">(file-\d)\.csv<", imports) == ["file-0"]
    assert re.findall(r"reports/[^/]+\">(\w+)<", reports) == ["stock"]
    assert re.findall(r">(file-\d)\.csv<", reports) == ["file-2", "file-1"]


async def test_bad_input_is_answered_by_a_page(corner_shop: Shop) -> None:
    visitor = await signed_in(corner_shop)
    asked = {
        f"{JOBS}?older_imports=nonsense": 422,
        f"{JOBS}/imports/nonsense": 422,
        f"{JOBS}/imports/00000000-0000-0000-0000-000000000001": 404,
        f"{JOBS}/reports/00000000-0000-0000-0000-000000000001/file": 404,
        f"{JOBS}/reports/00000000-0000-0000-0000-000000000001/file?format=pdf": 422,
    }
    answers = {path: await visitor.client.get(path) for path in asked}
    assert {path: answer.status_code for path, answer in answers.items()} == asked
    assert all("<h1>" in answer.text for answer in answers.values())
