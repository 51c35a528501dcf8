"""Whoever mistypes an address is shown a page, and not a document for programs."""

import pytest

from tests.builders.console import signed_in
from tests.builders.shop import Shop


@pytest.mark.parametrize("path", ["/console/nothing", "/console/runs/x/y", "/console/schedules/daily-report/trigger"])
async def test_an_address_that_is_none_is_a_page_that_says_so(corner_shop: Shop, path: str) -> None:
    answer = await (await signed_in(corner_shop)).client.get(path)
    assert answer.status_code == 404
    assert "The console has no such page." in answer.text
    assert "Back to the overview" in answer.text


async def test_a_slash_too_many_is_no_mistake(corner_shop: Shop) -> None:
    answer = await (await signed_in(corner_shop)).client.get("/console/", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/console")
