"""What is true of every page: its headers, its files, and its errors."""

import re
from datetime import UTC, datetime, timedelta

import httpx2
import pytest
from starlette.types import Receive, Scope, Send

from orders_service.console.pages import ago, lasted, moment
from tests.builders.console import Visitor, signed_in
from tests.builders.shop import Shop

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)


async def test_a_page_loads_nothing_but_our_own_files_and_is_kept_by_nobody(corner_shop: Shop) -> None:
    visitor = await signed_in(corner_shop)
    for client, path in ((visitor.client, "/console"), (Visitor(corner_shop).client, "/console/sign-in")):
        answer = await client.get(path)
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'")
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers.get_list("referrer-policy") == ["same-origin"]
        assert answer.headers["x-content-type-options"] == "nosniff"


async def test_every_file_of_a_page_is_there_and_may_be_kept(corner_shop: Shop) -> None:
    visitor = Visitor(corner_shop)
    page = await visitor.see("/console/sign-in")
    files = re.findall(r'(?:src|href)="(/console/static/[^"]+)"', page)
    assert len(files) > 3
    for file in files:
        answer = await visitor.client.get(file)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]


async def test_a_file_under_an_older_version_is_todays_and_is_not_kept(corner_shop: Shop) -> None:
    answer = await Visitor(corner_shop).client.get("/console/static/old/console.css")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")


@pytest.mark.parametrize("name", ["nothing.js", "VENDORED.md", "..%2fpages.py", "%2e%2e"])
async def test_no_other_file_is_served(corner_shop: Shop, name: str) -> None:
    assert (await Visitor(corner_shop).client.get(f"/console/static/x/{name}")).status_code == 404


async def test_nothing_on_a_page_is_written_in_line(corner_shop: Shop) -> None:
    visitor = await signed_in(corner_shop)
    page = await visitor.see("/console")
    assert not re.search(r"<script(?![^>]*src=)|\son\w+=|\sstyle=|javascript:", page)


async def test_behind_a_prefix_all_links_have_it(corner_shop: Shop) -> None:
    visitor = await signed_in(corner_shop)
    visitor.client = _behind_a_prefix(corner_shop, visitor.client)
    page = await visitor.see("/shop/console")
    links = re.findall(r'(?:src|href|action)="(/[^"]*)"', page)
    assert links
    assert all(link.startswith("/shop/console") for link in links)


def _behind_a_prefix(shop: Shop, client: httpx2.AsyncClient) -> httpx2.AsyncClient:
    async def prefixed(scope: Scope, receive: Receive, send: Send) -> None:
        await shop._with_state({**scope, "root_path": "/shop"}, receive, send)

    return httpx2.AsyncClient(
        transport=httpx2.ASGITransport(prefixed), base_url=client.base_url, cookies=client.cookies
    )


def test_times_are_told_as_people_read_them() -> None:
    assert moment(NOON) == "2026-11-28 12:00:00"
    assert moment(None) == "\N{EN DASH}"
    assert ago(NOON - timedelta(minutes=5), NOON) == "5 min ago"
    assert ago(NOON + timedelta(seconds=9.5), NOON) == "in 9.5 s"
    assert [lasted(seconds) for seconds in (0.0123, 59, 7200, 172_800)] == ["12 ms", "59 s", "2 h", "2 days"]
