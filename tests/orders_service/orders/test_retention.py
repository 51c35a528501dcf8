"""Orders outlive their runs."""

from datetime import timedelta

from tests.builders.shop import Shop


async def test_an_order_is_shown_when_its_run_has_been_deleted(shop: Shop) -> None:
    order = await shop.placed()
    await shop.run_to_the_end()
    before = await shop.shown(order)
    shop.clock.advance(timedelta(days=31))
    for duty in shop.process._upkeep._duties:
        await duty.look()
    assert shop.count("runs") == 0
    assert await shop.shown(order) == before
    assert before["status"] == "completed"
    assert (await shop.api.get(order["run"]["url"])).status_code == 404
