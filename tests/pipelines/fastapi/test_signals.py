"""A server tells its lifespan last; whoever has streams open must know before."""

import asyncio
import signal
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from pipelines import Process, start
from pipelines.fastapi import running
from pipelines.testing import create_tables
from tests.builders.desk import PATIENCE_SECONDS
from tests.builders.journeys import journey
from tests.builders.world import Trip, World


@pytest.fixture
def heard() -> Iterator[list[int]]:
    """The signals that the server has got."""
    signals: list[int] = []

    def handle(number: int, _: object) -> None:
        signals.append(number)

    before = signal.signal(signal.SIGTERM, handle)
    yield signals
    assert signal.getsignal(signal.SIGTERM) is handle  # what the server had installed is there again
    signal.signal(signal.SIGTERM, before)


def a_process(folder: Path, world: World) -> Process:
    url = f"sqlite:///{folder / 'journal.db'}"
    create_tables(url)
    return Process(url, [journey()], provide={World: world})


async def test_streams_end_at_the_signal_and_the_server_hears_it_too(tmp_path: Path, heard: list[int]) -> None:
    world = World()
    gate = world.holds("travel")
    async with running(a_process(tmp_path, world), grace=timedelta(0), hear_signals=True) as process:
        run_id = await process.write(start, journey(), Trip())
        await gate.reached.wait()
        async with asyncio.timeout(PATIENCE_SECONDS), process.watch(run_id) as watch:
            signal.raise_signal(signal.SIGTERM)
            async for _ in watch:
                pass
        assert not process.is_ready
    assert heard == [signal.SIGTERM]


async def test_who_does_not_ask_for_it_hears_nothing(tmp_path: Path, heard: list[int]) -> None:
    async with running(a_process(tmp_path, World()), grace=timedelta(0)) as process:
        signal.raise_signal(signal.SIGTERM)
        await asyncio.sleep(0)
        assert process.is_ready
    assert heard == [signal.SIGTERM]


async def test_in_a_thread_there_is_nothing_to_hear(tmp_path: Path, heard: list[int]) -> None:
    async def live() -> None:
        async with running(a_process(tmp_path, World()), grace=timedelta(0), hear_signals=True) as process:
            assert process.is_ready

    await asyncio.to_thread(asyncio.run, live())
    assert heard == []
