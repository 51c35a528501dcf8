"""Imports are kept for three months after they have ended, and then go slice by slice."""

from datetime import timedelta

import pytest

from orders_service import background, imports
from orders_service.imports import forgetting
from pipelines import Schedule, pause, start
from tests.builders.imports import a_file, a_row, accepted, imported
from tests.builders.shop import Shop

TABLES = ("imports", "import_refs", "import_flaws")


async def forget(shop: Shop) -> None:
    """As the schedule does it every night."""
    [nightly] = [each for each in background.SCHEDULES if each.pipeline is imports.forget_imports]
    assert isinstance(nightly, Schedule)
    now = shop.clock.now()
    await shop.process.write(lambda tx: start(tx, nightly.pipeline, imports.imported_long_ago(now)))
    await shop.settled()


def kept(shop: Shop) -> list[int]:
    return [shop.count(table) for table in TABLES]


@pytest.mark.parametrize("slice_", [1, 2, 3, 1000])
async def test_what_ended_long_ago_is_forgotten_and_its_orders_stay(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, slice_: int
) -> None:
    monkeypatch.setattr(forgetting, "SLICE", slice_)
    for _ in range(2):
        rows = [a_row(f"A-{number}", quantity="none" if number % 2 else 1, country="") for number in range(5)]
        await imported(shop, *rows, a_row("B"))
    assert kept(shop)[:2] == [2, 12]
    assert kept(shop)[2] > 6
    shop.clock.advance(timedelta(days=89))
    await forget(shop)
    assert kept(shop)[:2] == [2, 12]
    shop.clock.advance(timedelta(days=1))
    last = await imported(shop, a_row("C"))
    await forget(shop)
    assert kept(shop) == [1, 1, 0]
    assert [each["id"] for each in (await shop.api.get("/v1/imports")).json()["items"]] == [last["id"]]
    assert shop.count("orders") == 3


async def test_an_import_that_has_not_ended_is_kept_however_old(shop: Shop) -> None:
    await shop.process.write(pause, "import-orders", actor="a test", reason="so that it waits")
    waiting = await accepted(shop, a_file())
    shop.clock.advance(timedelta(days=200))
    await forget(shop)
    assert (await shop.api.get(f"/v1/imports/{waiting['id']}")).json()["state"] == "running"
