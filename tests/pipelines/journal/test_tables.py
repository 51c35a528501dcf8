"""What the tables promise to the database that keeps them."""

import pytest

from pipelines import Pipeline, Transaction
from tests.builders.world import Trip, hot_updates, note, staged

STEPS, RUNS = 5, 20


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
    assert await hot_updates(database_url, of=RUNS * STEPS) == RUNS * (STEPS - 1)
