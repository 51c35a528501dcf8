"""Duties that say themselves when they want to be asked again."""

import asyncio
from datetime import timedelta

import pytest

from pipelines.errors import Unavailable
from pipelines.worker import upkeep
from pipelines.worker.upkeep import Duty, Upkeep

SOON, NEVER = timedelta(0), timedelta(days=1)


class Asked:
    """Counts how often it is asked, and fails at first as often as it is told to."""

    def __init__(self, *, fails: int = 0, until: int = 3) -> None:
        self.times, self._fails, self._until = 0, fails, until
        self.enough = asyncio.Event()

    async def look(self) -> timedelta:
        self.times += 1
        if self.times >= self._until:
            self.enough.set()
        if self.times <= self._fails:
            raise Unavailable("The database is away.")
        return SOON


async def test_a_duty_is_done_again_when_it_wants_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "AFTER_AN_OUTAGE", SOON)
    asked = Asked(fails=1)
    keeping = Upkeep([Duty(asked.look), Duty(asked.look, at_first=NEVER)])
    keeping.start()
    async with asyncio.timeout(10):
        await asked.enough.wait()
        await keeping.stop()
    assert asked.times == 3


async def test_what_drains_begins_nothing_and_ends_at_once() -> None:
    asked = Asked()
    keeping = Upkeep([Duty(asked.look)])
    keeping.start()
    keeping.drain()
    async with asyncio.timeout(10):
        await asyncio.gather(*keeping._tasks)
    assert asked.times == 0
    await keeping.stop()


async def test_what_is_under_way_is_finished_first() -> None:
    begun, released, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def slow() -> timedelta:
        begun.set()
        await released.wait()
        ended.set()
        return SOON

    keeping = Upkeep([Duty(slow)])
    keeping.start()
    await begun.wait()
    stopping = asyncio.create_task(keeping.stop())
    await asyncio.sleep(0)
    released.set()
    await stopping
    assert ended.is_set()
