"""A process in the hands of a test: it goes as far as it is told to."""

from datetime import timedelta

import pytest
from pydantic import BaseModel
from tenacity import wait_fixed

from pipelines import Pipeline, Retry, RunState, StepContext
from pipelines.journal import claiming
from pipelines.testing import NeverEndingError, rehearsal, run_to_the_end


class Parcel(BaseModel):
    weight: int


class Scale:
    def __init__(self, *, broken_times: int = 0) -> None:
        self.broken_times = broken_times
        self.keys: list[str] = []

    def weigh(self, key: str) -> None:
        self.keys.append(key)
        if len(self.keys) <= self.broken_times:
            raise OSError("the scale is broken")


ship = Pipeline("ship", Parcel)


@ship.step(retry=Retry(on=(OSError,), attempts=4, wait=wait_fixed(3600)))
async def weigh(parcel: Parcel, scale: Scale, step: StepContext) -> None:
    scale.weigh(step.idempotency_key)


async def test_a_run_ends_at_once_however_long_its_retries_wait(database_url: str) -> None:
    scale = Scale(broken_times=3)
    run = await run_to_the_end(ship, Parcel(weight=1), provide={Scale: scale}, database_url=database_url)
    assert run.state is RunState.COMPLETED
    assert [attempt.outcome for attempt in run.attempts] == ["retry", "retry", "retry", "success"]
    assert len(set(scale.keys)) == 1


async def test_the_clock_moves_only_when_it_is_told_to(database_url: str) -> None:
    scale = Scale(broken_times=1)
    async with rehearsal([ship], provide={Scale: scale}, database_url=database_url) as stage:
        run_id = await stage.start(ship, Parcel(weight=1))
        await stage.run_until_waiting()
        assert stage.run(run_id).state is RunState.WAITING
        await stage.advance(timedelta(minutes=59))
        assert stage.run(run_id).state is RunState.WAITING
        await stage.advance(timedelta(minutes=2))
        assert stage.attempts_of(run_id) == ["do weigh: retry", "do weigh: success"]


async def test_a_run_that_is_to_begin_later_begins_when_the_clock_is_there() -> None:
    async with rehearsal([ship], provide={Scale: Scale()}) as stage:
        await stage.start(ship, Parcel(weight=1), due_at=stage.clock.now() + timedelta(days=1))
        await stage.advance(timedelta(hours=23))
        assert [run.state for run in stage.runs(ship)] == [RunState.WAITING]
        await stage.advance(timedelta(hours=2))
        assert [run.state for run in stage.runs(ship)] == [RunState.COMPLETED]


async def test_a_deadline_passes_on_the_tests_clock() -> None:
    async with rehearsal([ship], provide={Scale: Scale(broken_times=4)}) as stage:
        run_id = await stage.start(ship, Parcel(weight=1), deadline=timedelta(minutes=90))
        await stage.advance(timedelta(minutes=89))
        assert stage.attempts_of(run_id) == ["do weigh: retry", "do weigh: retry"]
        await stage.advance(timedelta(minutes=2))
        assert stage.run(run_id).state is RunState.FAILED


async def test_a_run_that_nobody_here_takes_is_named() -> None:
    async with rehearsal([], provide={}) as stage:
        run_id = await stage.start(ship, Parcel(weight=1))
        await stage.process.write(claiming.give_back)
        with pytest.raises(
            NeverEndingError, match=f"Nobody here takes ship {run_id} .*, ready at weigh after 0 attempts"
        ):
            await stage.run_to_the_end()


async def test_a_claim_that_dies_is_raised_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def claim(*_: object) -> None:
        raise ZeroDivisionError

    async with rehearsal([ship], provide={Scale: Scale(broken_times=1)}) as stage:
        await stage.start(ship, Parcel(weight=1))
        monkeypatch.setattr(claiming, "claim", claim)
        with pytest.raises(ZeroDivisionError):
            await stage.run_to_the_end()
