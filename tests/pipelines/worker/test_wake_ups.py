"""After the COMMIT a carrier is told of what this process makes ready and does not take itself, and of no more."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from pipelines import Pipeline, Priority, RunState, StepContext, Transaction, pause, resume, start
from pipelines.events import CarrierChanged, Event
from tests.builders.world import Trip, World, staged

ELSEWHERE: dict[str, Any] = {"slots": 0}


class Ear:
    """A carrier that remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[tuple[UUID, Priority]] = []
        self.life: list[str] = []
        self.tell: Callable[[Event], None]

    def open(self, tell: Callable[[Event], None]) -> None:
        self.tell = tell
        self.life.append("opened")

    def wake(self, run_id: UUID, priority: Priority) -> None:
        self.told.append((run_id, priority))

    def close(self) -> None:
        self.life.append("closed")


def one_call() -> Pipeline[Trip]:
    pipeline = Pipeline("trip", Trip)

    @pipeline.step()
    async def go(trip: Trip, world: World, step: StepContext) -> None:
        await world.call(trip.to, step)

    return pipeline


def start_and_fail(tx: Transaction, pipeline: Pipeline[Trip]) -> None:
    start(tx, pipeline, Trip())
    raise LookupError


@pytest.mark.parametrize("priority", Priority)
async def test_it_hears_of_what_is_started_for_others(database_url: str, priority: Priority) -> None:
    pipeline, ear = one_call(), Ear()
    async with staged(database_url, [pipeline], carrier=ear, **ELSEWHERE) as stage:
        run_id = await stage.start(pipeline, Trip(), priority=priority)
        with pytest.raises(LookupError):
            await stage.write(start_and_fail, pipeline)
    assert ear.told == [(run_id, priority)]
    assert ear.life == ["opened", "closed"]


async def test_it_hears_nothing_of_what_is_taken_here(database_url: str) -> None:
    pipeline, ear, world = one_call(), Ear(), World()
    gate = world.holds("Oslo")
    async with staged(database_url, [pipeline], world, carrier=ear, slots=1) as stage:
        await stage.start(pipeline, Trip())
        await gate.reached.wait()
        assert ear.told == []
        full = await stage.start(pipeline, Trip(to="Rome"))
        assert ear.told == [(full, Priority.NORMAL)]
        gate.opened.set()
        await stage.process.worker.settled()


async def test_it_hears_of_what_nobody_here_knows(database_url: str) -> None:
    pipeline, ear = one_call(), Ear()
    async with staged(database_url, [], carrier=ear) as stage:
        run_id = await stage.start(pipeline, Trip())
    assert ear.told == [(run_id, Priority.NORMAL)]


async def test_it_hears_nothing_of_what_nobody_may_take_yet(database_url: str) -> None:
    pipeline, ear = one_call(), Ear()
    async with staged(database_url, [pipeline], carrier=ear, **ELSEWHERE) as stage:
        await stage.start(pipeline, Trip(), due_at=stage.clock.now() + timedelta(hours=1))
        first = await stage.start(pipeline, Trip(), serial="line")
        await stage.start(pipeline, Trip(), serial="line")
        await stage.write(partial(pause, actor="ada", reason="it rains"), pipeline.name)
        await stage.start(pipeline, Trip())
        await stage.write(partial(resume, actor="ada"), pipeline.name)
    assert ear.told == [(first, Priority.NORMAL)]


async def test_it_hears_of_what_a_person_retries(database_url: str) -> None:
    pipeline, ear, world = one_call(), Ear(), World()
    world.fails("Oslo", LookupError("no such place"))
    async with staged(database_url, [pipeline], world, carrier=ear) as stage:
        run_id = await stage.start(pipeline, Trip(), priority=Priority.HIGH)
        await stage.run_to_the_end()
        assert stage.run(run_id).state is RunState.FAILED
    async with staged(database_url, [pipeline], carrier=ear, **ELSEWHERE) as stage:
        await stage.write(stage.process.steering.retry, run_id, actor="ada", reason="it is there again")
    assert ear.told == [(run_id, Priority.HIGH)]


async def test_what_it_tells_from_its_thread_reaches_those_who_hear_events(database_url: str) -> None:
    ear, events = Ear(), list[Event]()
    async with staged(database_url, [], carrier=ear, events=events) as stage:
        ear.tell(CarrierChanged("ConnectionError"))
        assert CarrierChanged("ConnectionError") not in events
        await stage.process.worker.settled()
        assert CarrierChanged("ConnectionError") in events
