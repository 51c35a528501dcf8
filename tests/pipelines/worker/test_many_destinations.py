"""A destination of which there are many: each is borne by itself."""

import asyncio
from collections import Counter

from pydantic import BaseModel

from pipelines import Destination, Pipeline
from pipelines.events import Event, RunPutAside
from pipelines.testing import rehearsal

RINGS = 5


class Parcel(BaseModel):
    to: str


class Doors:
    """Calls wait at a door that is shut."""

    def __init__(self) -> None:
        self.at: Counter[str] = Counter()
        self.opened, self.all_kind = asyncio.Event(), asyncio.Event()

    async def ring(self, name: str) -> None:
        self.at[name] += 1
        if name == "deaf":
            await self.opened.wait()
        if self.at["kind"] == RINGS:
            self.all_kind.set()


async def test_one_that_does_not_answer_keeps_no_other_from_its_calls() -> None:
    pipeline, doors, aside, kinds = Pipeline("deliver", Parcel), Doors(), asyncio.Event(), set[str]()
    to = Destination("doors", concurrency=2, each=lambda parcel: str(parcel.to))

    @pipeline.step(to=to)
    async def ring(parcel: Parcel, doors: Doors) -> None:
        await doors.ring(parcel.to)

    def hear(event: Event) -> None:
        if isinstance(event, RunPutAside):
            kinds.add(event.destination)
            aside.set()

    async with rehearsal([pipeline], provide={Doors: doors}, subscribers=[hear]) as stage:
        for name in ["deaf", "kind"] * RINGS:
            await stage.start(pipeline, Parcel(to=name))
        async with asyncio.timeout(20):
            await asyncio.gather(doors.all_kind.wait(), aside.wait())
        assert doors.at["deaf"] == 2
        doors.opened.set()
        await stage.run_to_the_end()
    assert doors.at["deaf"] == RINGS
    assert kinds == {"doors"}  # under one name, so that nobody's id becomes a label
