"""Orders outlive their runs."""

from datetime import timedelta
from pathlib import Path

from tests.builders.operations import failed_orders
from tests.builders.shop import Shop, open_shop


async def test_an_order_is_shown_when_its_run_has_been_deleted(shop: Shop) -> None:
    order = await shop.placed()
    await shop.run_to_the_end()
    before = await shop.shown(order)
    await _pruned(shop, timedelta(days=31))
    assert shop.count("runs") == 0
    assert await shop.shown(order) == before
    assert before["status"] == "completed"
    assert (await shop.api.get(order["run"]["url"])).status_code == 404


async def test_runs_are_kept_for_as_long_as_is_set_and_dead_letters_longer(migrated_url: str, tmp_path: Path) -> None:
    async with open_shop(migrated_url, tmp_path, retention_days=2) as shop:
        [failed] = await failed_orders(shop, 1)
        await shop.placed()
        await shop.run_to_the_end()
        await _pruned(shop, timedelta(days=1))
        assert len(shop.runs()) == 3  # with that of the mail about the failure
        await _pruned(shop, timedelta(days=1, hours=1))
        assert [str(run.id) for run in shop.runs()] == [failed["run"]["id"]]


async def _pruned(shop: Shop, later: timedelta) -> None:
    """So much later, and all that has had its time is gone."""
    shop.clock.advance(later)
    for duty in shop.process._upkeep._duties:
        await duty.look()
