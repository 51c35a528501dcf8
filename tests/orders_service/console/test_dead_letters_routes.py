"""Dead letters stand on the page by what they died of, each cause with the way to its runs."""

import re
from html import unescape
from typing import Any

import pytest

from pipelines.journal import dead_letters
from tests.builders.console import Visitor, signed_in, who_only_looks
from tests.builders.operations import failed_orders
from tests.builders.shop import Shop

_RUN = re.compile(r'class="id" href="/console/runs/([0-9a-f-]{36})"')


async def failed(shop: Shop, *errors: str) -> list[Any]:
    """An order for each, whose run failed of it."""
    orders = []
    for error in errors:
        shop.warehouse.door.troubles = [RuntimeError(error)]
        orders.append(await shop.placed())
        await shop.run_to_the_end()
    return orders


async def behind(visitor: Visitor, link: str) -> str:
    return (await visitor.client.get(unescape(link))).text


def as_text(page: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page.partition("<main")[2])).split())


async def test_one_cause_is_one_row_that_leads_to_its_runs(shop: Shop) -> None:
    gone = await failed(shop, "order 17 is gone", "order 4711 is gone")
    await failed(shop, "order 17 is late")
    visitor = await signed_in(shop)
    page = await visitor.see("/console/dead-letters")
    text = as_text(page)
    assert "3 runs failed or are quarantined" in text
    assert text.index("2 RuntimeError: order … is gone fulfill-order") < text.index("1 RuntimeError: order … is late")
    [listing, _] = re.findall(r'href="(/console/runs\?[^"]+)" title', page)
    found = _RUN.findall(await behind(visitor, listing))
    assert found == [order["run"]["id"] for order in reversed(gone)]
    [retry, _] = re.findall(r'href="(/console/bulk/retry\?[^"]+)"', page)
    assert "2 runs" in await behind(visitor, retry)


async def test_without_any_it_is_said_where_to_look(corner_shop: Shop) -> None:
    page = await (await signed_in(corner_shop)).see("/console/dead-letters")
    assert "Nothing has failed for good." in as_text(page)


async def test_when_not_all_were_looked_at_it_is_said(corner_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    await failed_orders(corner_shop, 3)
    monkeypatch.setattr(dead_letters.dead_letters, "__kwdefaults__", {"of": None, "most": 2})
    text = as_text(await (await signed_in(corner_shop)).see("/console/dead-letters"))
    assert "The newest 2 of 3 were looked at" in text
    assert "2+ RuntimeError: the warehouse is on fire" in text
    assert "or earlier" in text


async def test_a_filter_that_finds_more_says_so(corner_shop: Shop) -> None:
    await failed(corner_shop, "down", "down the drain")
    text = as_text(await (await signed_in(corner_shop)).see("/console/dead-letters"))
    assert text.count("A filter finds 1 more that say so too.") == 1


async def test_what_an_error_says_is_text(corner_shop: Shop) -> None:
    await failed(corner_shop, "<script>alert(1)</script>\"'&state=completed")
    visitor = await signed_in(corner_shop)
    page = await visitor.see("/console/dead-letters")
    assert "<script>alert" not in page
    [listing] = re.findall(r'href="(/console/runs\?[^"]+)" title', page)
    assert len(_RUN.findall(await behind(visitor, listing))) == 1


async def test_whoever_only_looks_is_offered_nothing(corner_shop: Shop) -> None:
    await failed_orders(corner_shop, 1)
    page = await (await who_only_looks(corner_shop)).see("/console/dead-letters")
    assert "RuntimeError: the warehouse is on fire" in page
    assert "/console/bulk/" not in page


async def test_those_of_one_pipeline_alone_may_be_asked_for(corner_shop: Shop) -> None:
    await failed_orders(corner_shop, 2)
    visitor = await signed_in(corner_shop)
    text = as_text(await visitor.see("/console/dead-letters", pipeline="fulfill-order"))
    assert "Dead letters of fulfill-order" in text
    assert "2 runs failed" in text
    assert "None of its runs has failed for good." in as_text(
        await visitor.see("/console/dead-letters", pipeline="welcome")
    )
