"""Wherever the process dies, an import that was accepted ends, and each of its orders is placed once."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from orders_service import schema
from orders_service.imports import chunks
from pipelines import AttemptOutcome, OutcomeUnknown, Overloaded, Rhythm, Unavailable, pause
from pipelines.journal import reaping
from pipelines.testing import Died, Moment, Mortality, Point
from tests.builders.gateways import Door
from tests.builders.imports import a_file, a_row, at_rest, begun, complaints, sent
from tests.builders.shop import Shop, open_shop
from tests.harness import schemas

ROWS = [a_row(f"A-{number}", quantity="none" if number == 2 else 1) for number in range(4)]
ORDERS, CHUNKS = 3, 2


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "MOST_ORDERS", 2)


async def import_once(shop: Shop) -> None:
    await sent(shop.api, a_file(*ROWS), key="once")
    await shop.settled()


@asynccontextmanager
async def quiet(loop: asyncio.AbstractEventLoop) -> AsyncIterator[None]:
    """A death that was asked for is no news."""
    loop.set_exception_handler(lambda _, __: None)
    try:
        yield
    finally:
        loop.set_exception_handler(None)


async def live(url: str, folder: Path, dies_at: Point | None) -> Sequence[Point]:
    """Import until the process dies; the points that were passed."""
    died, loop = asyncio.Event(), asyncio.get_running_loop()
    mortality = Mortality(dies_at, on_death=partial(loop.call_soon_threadsafe, died.set))
    async with quiet(loop), open_shop(url, folder, faults=mortality) as shop:
        await shop.process.write(pause, "fulfill-order", actor="a test", reason="orders are not what dies here")
        with mortality.watching():
            life, death = asyncio.ensure_future(import_once(shop)), asyncio.ensure_future(died.wait())
            await asyncio.wait({life, death}, return_when=asyncio.FIRST_COMPLETED, timeout=20)
        for task in (life, death):
            task.cancel()
        await asyncio.wait({life, death})
        with suppress(Died, asyncio.CancelledError):
            life.result()
    return mortality.passed


async def carry_on(url: str, folder: Path) -> tuple[Any, int, list[list[str]], int, int]:
    """What another process makes of it; whoever got no answer asks again under the same key."""
    async with open_shop(url, folder) as shop:
        shop.clock.advance(Rhythm().lease + timedelta(seconds=1))
        await shop.process.write(reaping.reap, count_crash=True, jitter=0.0)
        await import_once(shop)
        for _ in range(3):
            shop.clock.advance(timedelta(seconds=10))
            shop.process.worker.look()
            await shop.settled()
        (shown,) = (await shop.api.get("/v1/imports")).json()["items"]
        told = await complaints(shop, shown)
        claimed = shop.rows(text("SELECT count(*) FROM uploads WHERE claimed_at IS NOT NULL"))[0][0]
        return shown, shop.count("orders"), told, shop.count("import_refs"), claimed


def check(found: tuple[Any, int, list[list[str]], int, int]) -> None:
    shown, orders, told, refs, claimed = found
    assert (shown["state"], shown["reason"]) == ("completed", None)
    assert shown["progress"] == {"done": len(ROWS), "total": len(ROWS)}
    assert shown["orders"] == orders == ORDERS
    assert (shown["failed_rows"], [row[:3] for row in told], refs) == (1, [["4", "A-2", "quantity"]], len(ROWS))
    assert claimed == 0


async def test_an_import_survives_every_crash(migrated_file: Path, tmp_path: Path) -> None:
    def fresh(place: int) -> str:
        return f"sqlite:///{shutil.copy(migrated_file, tmp_path / f'{place}.db')}"

    passed = await live(fresh(0), tmp_path, None)
    points = [point for point in passed if "COMMIT" in point.moment or "write_chunk" in point.place]
    assert sum("write_chunk" in point.place for point in points) == 2 * CHUNKS
    for place, point in enumerate(points, start=1):
        url = fresh(place)
        await live(url, tmp_path, point)
        check(await carry_on(url, tmp_path))


@pytest.mark.parametrize("moment", [Moment.BEFORE_CALL, Moment.AFTER_CALL])
async def test_a_crash_between_two_chunks_is_survived_on_each_database(
    database_url: str, tmp_path: Path, moment: Moment
) -> None:
    schema.migrate(database_url)
    point = Point(moment, "ImportDesk.write_chunk in create_orders", 2)
    assert (await live(database_url, tmp_path, point))[-1] == point
    with schemas.connected(database_url) as connection:
        before = connection.execute(text("SELECT count(*) FROM orders")).scalar_one()
    assert before == (2 if moment is Moment.BEFORE_CALL else ORDERS)
    check(await carry_on(database_url, tmp_path))


async def test_a_process_that_leaves_hands_an_import_over_between_two_chunks(
    migrated_url: str, tmp_path: Path, door: Door
) -> None:
    async with open_shop(migrated_url, tmp_path) as shop:
        order_import = await begun(shop, door)
        shop.process.begin_to_drain()
        door.open()
        await shop.settled()
        assert shop.count("orders") == 4
    async with open_shop(migrated_url, tmp_path) as shop:
        done = await at_rest(shop, order_import)
        assert (done["state"], done["orders"], shop.count("orders")) == ("completed", 10, 10)


@pytest.mark.parametrize("trouble", [Overloaded("full"), Unavailable("away"), OutcomeUnknown("lost")])
async def test_an_import_waits_for_a_database_that_is_in_trouble(shop: Shop, door: Door, trouble: Exception) -> None:
    order_import = await begun(shop, door)
    door.troubles = [trouble]
    door.open()
    done = await at_rest(shop, order_import)
    assert (done["state"], done["orders"]) == ("completed", 10)
    outcomes = [attempt.outcome for attempt in shop.run(order_import).attempts if attempt.step == "create_orders"]
    assert outcomes == [AttemptOutcome.THROTTLED, AttemptOutcome.SUCCESS]
