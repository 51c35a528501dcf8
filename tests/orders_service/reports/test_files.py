import csv
import io
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from tests.builders.orders import a_product
from tests.builders.sales import NOON, a_sale, file_of, reported, sold
from tests.builders.shop import Shop

EVIL = "<script>alert(1)</script>\"'><svg onload=alert(1)>&amp;"
MARCH = {"since": "2026-03-10", "until": "2026-03-11"}
ALONE = {"meta", "link", "br", "line", "rect", "img", "input"}


class Reader(HTMLParser):
    """Reads a page as a browser would, and notes what is on it; a tag that is not closed fails."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.labels: list[str] = []
        self.attributes: set[str] = set()
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        assert len(named) == len(attrs)
        self.tags.append(tag)
        self.attributes |= set(named)
        if tag not in ALONE or (tag == "rect" and not self.get_starttag_text().endswith("/>")):  # type: ignore[union-attr]
            self._open.append(tag)
        self.ids += [str(named["id"])] if "id" in named else []
        self.labels += str(named.get("aria-labelledby", "")).split()

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


async def test_the_table_holds_days_and_products(shop: Shop) -> None:
    await sold(shop, a_sale(mug=2), a_sale(currency="JPY", lamp=1))
    text = await file_of(shop, await reported(shop, **MARCH), "csv")
    days = [(row["day"], row["orders"], row["minor_units"], row["currency"]) for row in rows(text) if row["day"]]
    assert days == [
        ("2026-03-10", "1", "2000", "EUR"),
        ("2026-03-11", "0", "0", "EUR"),
        ("2026-03-10", "1", "1000", "JPY"),
        ("2026-03-11", "0", "0", "JPY"),
    ]
    sold_products = [(row["sku"], row["revenue"], row["currency"]) for row in rows(text) if row["of"] == "product"]
    assert sold_products == [("mug", "20.00", "EUR"), ("lamp", "1000", "JPY")]


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
async def test_a_cell_is_never_a_formula(corner_shop: Shop, name: str) -> None:
    await corner_shop.offer(a_product("vase"))
    await corner_shop.write("UPDATE products SET name = :name WHERE sku = 'vase'", name=name)
    text = await file_of(corner_shop, await reported(corner_shop, type="stock"), "csv")
    assert f'"\'{name}"' in text


async def test_a_cell_may_hold_quotes_commas_and_line_feeds(corner_shop: Shop) -> None:
    name = 'a "large", green\nvase'
    await corner_shop.offer(a_product("vase"))
    await corner_shop.write("UPDATE products SET name = :name WHERE sku = 'vase'", name=name)
    text = await file_of(corner_shop, await reported(corner_shop, type="stock"), "csv")
    assert name in {row["name"] for row in rows(text)}


async def page_of(shop: Shop, **draft: Any) -> str:
    return await file_of(shop, await reported(shop, **draft), "html")


@pytest.mark.parametrize(("kind", "charts"), [("sales", 4), ("customers", 2), ("stock", 1)])
async def test_each_chart_is_drawn_and_told_in_words(shop: Shop, kind: str, charts: int) -> None:
    await sold(shop, a_sale(mug=2), a_sale(currency="USD", lamp=1))
    page = Reader(await page_of(shop, type=kind, **MARCH))
    assert page.tags.count("svg") == page.tags.count("desc") == charts
    assert len(set(page.ids)) == len(page.ids)
    assert set(page.labels) == set(page.ids)
    assert len(page.labels) == 2 * charts


@pytest.mark.parametrize("kind", ["sales", "customers", "stock"])
async def test_what_people_have_typed_is_text(shop: Shop, kind: str) -> None:
    await shop.offer(a_product("vase"))
    await shop.write("UPDATE products SET name = :name", name=EVIL)
    await sold(shop, a_sale(email=EVIL, mug=2))
    text = await page_of(shop, type=kind, **MARCH)
    page = Reader(text)
    assert not {"script", "link", "img", "iframe"} & set(page.tags)
    assert not [name for name in page.attributes if name.startswith("on") or name in {"style", "href", "src"}]
    assert EVIL.casefold() in {data.casefold() for data in page.texts}


async def test_a_page_asks_nobody_else_for_anything(shop: Shop) -> None:
    await sold(shop, a_sale())
    text = await page_of(shop, **MARCH)
    assert not re.search(r"https?:|url\(|@import|//", text)


async def test_an_empty_report_has_a_page_too(shop: Shop) -> None:
    text = await page_of(shop, since="2020-01-01", until="2020-01-31")
    assert "Nothing was sold" in text
    assert "<svg" not in text


async def test_a_page_of_400_days_has_a_bar_for_each(corner_shop: Shop) -> None:
    await sold(corner_shop, a_sale(NOON))
    page = Reader(await page_of(corner_shop, since="2025-03-10", until="2026-04-13"))
    assert page.tags.count("rect") == 400 + 1


async def answer(shop: Shop, report: Any, file_format: str | None = None, **headers: str) -> Any:
    query = {"format": file_format} if file_format else {}
    return await shop.api.get(f"/v1/reports/{report['id']}/file", params=query, headers=headers)


@pytest.mark.parametrize(
    ("file_format", "media_type", "disposition"),
    [
        (None, "text/csv; charset=utf-8; header=present", "attachment"),
        ("csv", "text/csv; charset=utf-8; header=present", "attachment"),
        ("html", "text/html; charset=utf-8", "inline"),
        ("json", "application/json", "attachment"),
    ],
)
async def test_a_file_says_what_it_is(shop: Shop, file_format: str | None, media_type: str, disposition: str) -> None:
    response = await answer(shop, await reported(shop, **MARCH), file_format)
    name = f"sales-20260310T0000Z-20260312T0000Z.{file_format or 'csv'}"
    assert response.headers["content-type"] == media_type
    assert response.headers["content-disposition"] == f'{disposition}; filename="{name}"'
    assert response.headers["cache-control"] == "private, no-cache"
    assert response.headers["x-content-type-options"] == "nosniff"


async def test_a_page_may_do_nothing_but_look_as_it_does(shop: Shop) -> None:
    policy = (await answer(shop, await reported(shop, **MARCH), "html")).headers["content-security-policy"]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules.pop("style-src").startswith("'sha256-")
    assert rules == dict.fromkeys(("default-src", "base-uri", "form-action", "frame-ancestors"), "'none'")


@pytest.mark.parametrize("file_format", ["csv", "html", "json"])
async def test_a_file_that_is_known_is_not_sent_again(shop: Shop, file_format: str) -> None:
    report = await reported(shop, **MARCH)
    tag = (await answer(shop, report, file_format)).headers["etag"]
    for known in (tag, f'"other", W/{tag}', "*"):
        again = await answer(shop, report, file_format, **{"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert (await answer(shop, report, file_format, **{"If-None-Match": '"other"'})).status_code == 200


async def test_the_json_file_is_the_result(shop: Shop) -> None:
    await sold(shop, a_sale())
    report = await reported(shop, **MARCH)
    assert (await answer(shop, report, "json")).json() == report["result"]


@pytest.mark.parametrize("file_format", ["pdf", "", "CSV"])
async def test_a_format_that_is_none_is_refused(corner_shop: Shop, file_format: str) -> None:
    report = await reported(corner_shop, type="stock")
    url = f"/v1/reports/{report['id']}/file"
    assert (await corner_shop.api.get(url, params={"format": file_format})).status_code == 422


async def test_a_report_that_has_failed_has_no_file(shop: Shop) -> None:
    report = await reported(shop, **MARCH)
    await shop.write("UPDATE reports SET state = 'failed'")
    response = await answer(shop, report)
    assert (response.status_code, response.json()["detail"]) == (409, "The report is failed, and has no files.")
