"""What the tables promise to the database that keeps them."""

import asyncio

import pytest
from sqlalchemy import text

from pipelines import Pipeline, Transaction
from pipelines.journal import open_for_reading
from tests.builders.world import Trip, note, staged

STEPS, RUNS = 5, 20
_UPDATES = text("SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'runs'")


def long_trip() -> Pipeline[Trip]:
    pipeline = Pipeline("trip", Trip)
    for number in range(STEPS):

        @pipeline.step(name=f"step {number}")
        def go(trip: Trip, tx: Transaction) -> None:
            note(tx, trip.to)

    return pipeline


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_step_forward_touches_no_index(database_url: str) -> None:
    """HOT: the new version of the row stays on its page, and vacuum is not needed to get rid of the old one."""
    pipeline = long_trip()
    async with staged(database_url, [pipeline]) as stage:
        for _ in range(RUNS):
            await stage.start(pipeline, Trip())
            await stage.run_to_the_end()
    # The last one takes the run out of the index of those that are owned.
    assert await updates_told(database_url, RUNS * STEPS) == RUNS * (STEPS - 1)


async def updates_told(database_url: str, updates: int) -> int:
    """How many of so many updates were HOT; a server process tells its counts a little after its connection ends."""
    engine = open_for_reading(database_url)
    async with asyncio.timeout(10):
        while True:
            with engine.connect() as connection:
                told, hot = connection.execute(_UPDATES).one()
            if told == updates:
                engine.dispose()
                return int(hot)
            await asyncio.sleep(0.05)
