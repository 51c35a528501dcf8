from typing import Any
from uuid import uuid4

import httpx2
import pytest

from orders_service.imports import complaints as complaints_module
from tests.builders.imports import a_file, a_row, accepted, at_rest, complaints, imported, sent
from tests.builders.shop import Shop


async def page(client: httpx2.AsyncClient, **query: Any) -> Any:
    response = await client.get("/v1/imports", params=query)
    assert response.status_code == 200, response.text
    return response.json()


async def test_an_owner_lists_their_own_imports_newest_first_and_an_admin_all(shop: Shop) -> None:
    ada, bob = await shop.client_of("ada"), await shop.client_of("bob")
    first, second = await accepted(shop, a_file(), by=ada), await accepted(shop, a_file(), by=bob)
    third = await accepted(shop, a_file(), by=ada)
    listed = [[each["id"] for each in (await page(client))["items"]] for client in (ada, bob, shop.api)]
    assert listed == [
        [third["id"], first["id"]],
        [second["id"]],
        [third["id"], second["id"], first["id"]],
    ]


async def test_pages_follow_each_other(shop: Shop) -> None:
    ids = [(await accepted(shop, a_file()))["id"] for _ in range(3)]
    first = await page(shop.api, limit=2)
    last = await page(shop.api, limit=2, cursor=first["next"])
    assert [each["id"] for each in first["items"] + last["items"]] == ids[::-1]
    assert last["next"] is None


@pytest.mark.parametrize(
    "query", [{"limit": "0"}, {"limit": "201"}, {"cursor": "x"}, {"cursor": "%00"}, {"state": "x"}]
)
async def test_a_list_that_nobody_means_is_refused(corner_shop: Shop, query: dict[str, str]) -> None:
    assert (await corner_shop.api.get("/v1/imports", params=query)).status_code == 422


async def test_a_cursor_is_good_for_the_list_it_was_given_for_only(shop: Shop) -> None:
    ada = await shop.client_of("ada")
    for _ in range(2):
        await accepted(shop, a_file(), by=ada)
    cursor = (await page(ada, limit=1))["next"]
    assert (await shop.api.get("/v1/imports", params={"cursor": cursor})).status_code == 422


async def test_it_says_when_to_ask_again_until_it_has_ended(shop: Shop) -> None:
    order_import = await accepted(shop, a_file())
    path = f"/v1/imports/{order_import['id']}"
    await at_rest(shop, order_import)  # else its run changes the state as well
    await shop.write("UPDATE imports SET state = 'running'")
    assert "retry-after" in (await shop.api.get(path)).headers
    await shop.write("UPDATE imports SET state = 'completed'")
    assert "retry-after" not in (await shop.api.get(path)).headers


@pytest.mark.parametrize(("method", "suffix"), [("GET", ""), ("GET", "/errors"), ("POST", "/cancel")])
async def test_somebody_elses_import_is_answered_like_a_missing_one(shop: Shop, method: str, suffix: str) -> None:
    order_import, bob = await accepted(shop, a_file()), await shop.client_of("bob")
    answers = [
        await bob.request(method, f"/v1/imports/{import_id}{suffix}", headers={"X-Request-Id": "same"})
        for import_id in (order_import["id"], uuid4())
    ]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].content == answers[1].content
    assert answers[0].headers == answers[1].headers


async def test_the_run_of_an_import_is_its_owners(shop: Shop) -> None:
    ada, bob = await shop.client_of("ada"), await shop.client_of("bob")
    url = (await accepted(shop, a_file(), by=ada))["run"]["url"]
    assert [(await client.get(url)).status_code for client in (ada, bob)] == [200, 404]


async def test_who_may_not_import_is_told_so(shop: Shop) -> None:
    key = await shop.client_of("ada")
    await shop.write("UPDATE api_keys SET scopes = 'orders:read'")
    assert (await sent(key, a_file())).status_code == 403


@pytest.mark.parametrize("import_id", ["import-1", "x" * 36, "%00"])
async def test_an_id_that_is_none_is_refused_without_being_quoted(corner_shop: Shop, import_id: str) -> None:
    response = await corner_shop.api.get(f"/v1/imports/{import_id}")
    assert response.status_code in {404, 422}
    assert import_id not in response.text


async def test_what_was_wrong_is_a_file_to_download(shop: Shop) -> None:
    done = await imported(shop, a_row("A", quantity="none"))
    response = await shop.api.get(done["errors_url"])
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert response.headers["content-disposition"] == f'attachment; filename="import-{done["id"]}-errors.csv"'
    assert response.text == (
        '"row","order_ref","column","message"\r\n"2","A","quantity","Has to be a whole number."\r\n'
    )


@pytest.mark.parametrize(
    "ref", ["=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("http://x")', "=cmd|' /C calc'!A0", '"=1"', "a,=1", "ä"]
)
async def test_no_cell_of_it_is_a_formula(corner_shop: Shop, ref: str) -> None:
    done = await imported(corner_shop, a_row(ref, quantity="none"))
    ((_, told, *_),) = await complaints(corner_shop, done)
    assert told == (f"'{ref}" if ref[0] in "=+-@" else ref)


async def test_it_is_read_page_by_page(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(complaints_module, "MOST_AT_ONCE", 2)
    rows = [a_row(f"A-{number}", quantity="none", sku="") for number in range(5)]
    done = await imported(shop, *rows)
    told = [(row[0], row[1], row[2]) for row in await complaints(shop, done)]
    assert told == [(str(n + 2), f"A-{n}", column) for n in range(5) for column in ("quantity", "sku")]


async def test_an_import_without_flaws_has_none_to_tell(shop: Shop) -> None:
    assert await complaints(shop, await imported(shop, a_row())) == []
