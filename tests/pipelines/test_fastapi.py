"""A process that lives as long as its application."""

import asyncio
from datetime import timedelta
from inspect import signature
from typing import get_type_hints

import pytest
from sqlalchemy import select

from pipelines import Pipeline, Process, ReadSession, StepContext, start
from pipelines.fastapi import running
from pipelines.fastapi.lifespan import ProcessOptions
from pipelines.journal import open_for_reading
from pipelines.journal.tables import processes, runs
from pipelines.testing import create_tables
from tests.builders.world import Trip, World


def one_call() -> Pipeline[Trip]:
    pipeline = Pipeline("trip", Trip)

    @pipeline.step()
    async def go(trip: Trip, world: World, step: StepContext) -> None:
        await world.call(trip.to, step)

    return pipeline


def left_behind(database_url: str) -> tuple[str, list[str]]:
    """The state of the only process, and of its runs."""
    engine = open_for_reading(database_url)
    with ReadSession(engine) as session:
        process = session.execute(select(processes.c.state)).scalar_one()
        states = [str(state) for state in session.execute(select(runs.c.state)).scalars()]
    engine.dispose()
    return process, states


@pytest.mark.parametrize(
    ("grace", "state"), [(timedelta(minutes=1), "completed"), (timedelta(0), "ready")], ids=["finished", "handed over"]
)
async def test_at_its_end_it_drains_within_the_grace_and_leaves(
    database_url: str, grace: timedelta, state: str
) -> None:
    pipeline, world = one_call(), World()
    gate = world.holds("Oslo")
    create_tables(database_url)
    async with running(Process(database_url, [pipeline], provide={World: world}), grace=grace) as process:
        await process.write(start, pipeline, Trip())
        await gate.reached.wait()
        if grace:
            asyncio.get_running_loop().call_soon(gate.opened.set)  # once it has begun to drain
    assert left_behind(database_url) == ("dead", [state])


async def test_an_application_that_fails_leaves_too(database_url: str) -> None:
    pipeline, world = one_call(), World()
    gate = world.holds("Oslo")
    create_tables(database_url)

    async def fail() -> None:
        async with running(Process(database_url, [pipeline], provide={World: world})) as process:
            await process.write(start, pipeline, Trip())
            await gate.reached.wait()
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    assert world.broken_off == ["Oslo"]
    assert left_behind(database_url) == ("dead", ["ready"])


def test_the_lifespan_takes_whatever_a_process_takes_by_name() -> None:
    taken = get_type_hints(Process.__init__)
    by_name = [each.name for each in signature(Process).parameters.values() if each.kind is each.KEYWORD_ONLY]
    assert get_type_hints(ProcessOptions) == {name: taken[name] for name in by_name}
