"""What steps say of their progress is in the journal soon, not often, and not late."""

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from pipelines import Pipeline, Progress, ReadSession, RunState, StepContext, Transaction, find_run
from pipelines.events import Event, StepProgressed
from pipelines.journal import progressing
from pipelines.run import Run
from pipelines.testing import Rehearsal
from pipelines.worker.progress import EVERY_SECONDS
from tests.builders.desk import PATIENCE_SECONDS
from tests.builders.journeys import journey
from tests.builders.world import Trip, World, journal_row, staged


def told(stage: Rehearsal, run_id: UUID) -> Progress | None:
    with ReadSession(stage.process.readers) as session:
        run = find_run(session, run_id)
        assert run is not None
        return run.progress


def talkative(words: int) -> Pipeline[Trip]:
    """One step in a thread, which says a lot."""
    pipeline = Pipeline("talk", Trip)

    @pipeline.step()
    def talk(step: StepContext) -> None:
        for word in range(1, words + 1):
            step.progress(word, words)
            time.sleep(0.001)

    return pipeline


async def until(events: list[Event], run_id: UUID) -> None:
    while not any(isinstance(event, StepProgressed) and event.run_id == run_id for event in events):  # noqa: ASYNC110 - it is a list
        await asyncio.sleep(0.01)


async def test_progress_is_on_disk_while_the_step_goes_on(database_url: str) -> None:
    pipeline, world, events = journey(), World(), list[Event]()
    gate = world.holds("travel")
    async with staged(database_url, [pipeline], world, events=events) as stage:
        run_id = await stage.start(pipeline, Trip())
        await gate.reached.wait()
        async with asyncio.timeout(PATIENCE_SECONDS):
            await until(events, run_id)
        assert told(stage, run_id) == Progress(1, 3, "left")
        gate.opened.set()
        await stage.run_to_the_end()


async def test_a_step_on_the_progress_is_history(database_url: str) -> None:
    pipeline, world = journey(), World()
    gate = world.holds("unpack")
    async with staged(database_url, [pipeline], world) as stage:
        run_id = await stage.start(pipeline, Trip())
        await gate.reached.wait()
        assert told(stage, run_id) is None
        gate.opened.set()
        await stage.run_to_the_end()


async def test_the_last_word_of_a_step_is_kept_and_few_before_it(database_url: str) -> None:
    pipeline, events = talkative(200), list[Event]()
    async with staged(database_url, [pipeline], events=events) as stage:
        run_id = await stage.start(pipeline, Trip())
        await stage.run_to_the_end()
        run = stage.run(run_id)
    assert run.progress == Progress(200, 200)
    [attempt] = run.attempts
    written = [event for event in events if isinstance(event, StepProgressed)]
    assert 1 <= len(written) <= 1 + attempt.took / timedelta(seconds=EVERY_SECONDS)


async def test_a_step_that_fails_has_said_how_far_it_came(database_url: str) -> None:
    pipeline = Pipeline("talk", Trip)

    @pipeline.step()
    async def talk(step: StepContext) -> None:
        step.progress(2, note="nul \x00 and half a pair \ud800")
        raise OSError("tripped")

    async with staged(database_url, [pipeline]) as stage:
        run_id = await stage.start(pipeline, Trip())
        await stage.run_to_the_end()
        run = stage.run(run_id)
    assert run.state is RunState.FAILED
    assert run.progress == Progress(2, None, "nul  and half a pair ?")


async def test_a_transaction_step_may_speak_and_is_not_heard(database_url: str) -> None:
    pipeline = Pipeline("talk", Trip)

    @pipeline.step()
    def talk(tx: Transaction, step: StepContext) -> None:
        step.progress(1)

    events = list[Event]()
    async with staged(database_url, [pipeline], events=events) as stage:
        run_id = await stage.start(pipeline, Trip())
        await stage.run_to_the_end()
        await stage.write(lambda _: None)  # what there was to say goes first
        assert stage.run(run_id).state is RunState.COMPLETED
    assert not [event for event in events if isinstance(event, StepProgressed)]


@pytest.mark.parametrize(
    "changed",
    [lambda run: {"fence": run.fence - 1}, lambda _: {"step": "pack"}],
    ids=["a former owner", "a former step"],
)
async def test_a_late_word_is_dropped(database_url: str, changed: Callable[[Run], dict[str, Any]]) -> None:
    pipeline, world = journey(), World()
    gate = world.holds("unpack")
    async with staged(database_url, [pipeline], world) as stage:
        run_id = await stage.start(pipeline, Trip())
        await gate.reached.wait()
        row = journal_row(stage, run_id)._asdict()
        fields = {name: row[name] for name in Run.__dataclass_fields__ if name in row}
        run = Run(**fields | changed(Run(**fields)))
        await stage.process._committer.progress(progressing.save, run, Progress(99))
        assert "99" not in str(journal_row(stage, run_id).progress)
        gate.opened.set()
        await stage.run_to_the_end()


async def test_nothing_is_left_of_a_run_that_has_said_its_last_word(database_url: str) -> None:
    pipeline = talkative(3)
    async with staged(database_url, [pipeline]) as stage:
        await stage.start(pipeline, Trip())
        await stage.run_to_the_end()
        await asyncio.sleep(0)
        assert stage.process._progress.is_silent


async def test_what_is_no_number_is_refused_where_it_is_said() -> None:
    step = StepContext(run_id=UUID(int=1), step="talk", attempt=1, idempotency_key="k")
    step.progress(1, 2, "anybody?")
    with pytest.raises(ValueError, match="half"):
        step.progress("half")  # type: ignore[arg-type] # that is the point
