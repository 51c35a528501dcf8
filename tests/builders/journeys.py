"""Pipelines whose steps stop at gates and say how far they have come, and the processes that run them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from pydantic import BaseModel

from pipelines import Pipeline, Process, Rhythm, StepContext
from pipelines.fastapi import running
from pipelines.testing import create_tables
from tests.builders.world import Trip, World


class Diary(BaseModel):
    """What a journey is for."""

    pages: int


def journey(name: str = "journey") -> Pipeline[Trip]:
    """Three calls; the second one says how far it has come, before and after its gate, and brings the diary."""
    pipeline = Pipeline(name, Trip, result=Diary)

    @pipeline.step()
    async def pack(world: World, step: StepContext) -> None:
        await world.call("pack", step)

    @pipeline.step()
    async def travel(world: World, step: StepContext) -> Diary:
        step.progress(1, 3, "left")
        await world.call("travel", step)
        step.progress(3, 3, "there")
        return Diary(pages=3)

    @pipeline.step()
    async def unpack(world: World, step: StepContext) -> None:
        await world.call("unpack", step)

    return pipeline


@asynccontextmanager
async def served(database_url: str, world: World | None = None, **options: Any) -> AsyncIterator[Process]:
    """A live process of journeys, which looks around often."""
    create_tables(database_url)
    rhythm = Rhythm(sweep=timedelta(milliseconds=50))
    process = Process(database_url, [journey()], provide={World: world or World()}, **{"rhythm": rhythm} | options)
    async with running(process, grace=timedelta(0)):
        yield process
