"""A trip that can fail, be undone and be taken up again, and one that has come to its end."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

from pipelines import (
    Ending,
    Pipeline,
    Retry,
    StepContext,
    Transaction,
)
from pipelines.testing import Rehearsal
from tests.builders.world import Trip, World, note, staged

ONCE = Retry(on=(OSError,), attempts=2)
DOWN = (OSError("down"), OSError("down"))


def journey(*, pay_can_be_undone: bool = True, deadline: timedelta | None = None) -> Pipeline[Trip]:
    """Book, pay, tell: `pay` and `tell` call the outside; a record is closed and opened again."""
    pipeline = Pipeline("trip", Trip, deadline=deadline)

    def unbook(tx: Transaction) -> None:
        note(tx, "unbooked")

    async def refund(world: World, step: StepContext) -> None:
        await world.call("refund", step)

    @pipeline.step()
    def check(tx: Transaction) -> None:
        note(tx, "checked")

    @pipeline.step(undo=unbook if pay_can_be_undone else None)
    def book(tx: Transaction) -> None:
        note(tx, "booked")

    @pipeline.step(undo=refund if pay_can_be_undone else None, undo_retry=ONCE)
    async def pay(world: World, step: StepContext) -> None:
        await world.call("pay", step)

    @pipeline.step(retry=ONCE)
    async def tell(world: World, step: StepContext) -> None:
        await world.call("tell", step)

    @pipeline.at_end
    def close(ending: Ending, tx: Transaction) -> None:
        note(tx, str(ending.state))

    @pipeline.at_retry
    def reopen(trip: Trip, tx: Transaction) -> None:
        note(tx, f"open again to {trip.to}")

    return pipeline


@asynccontextmanager
async def failed(
    database_url: str, pipeline: Pipeline[Trip], world: World, **options: Any
) -> AsyncIterator[tuple[Rehearsal, UUID]]:
    """A run that has come to its end."""
    async with staged(database_url, [pipeline], world, **options) as stage:
        run_id = await stage.start(pipeline, Trip())
        await stage.run_to_the_end()
        yield stage, run_id
