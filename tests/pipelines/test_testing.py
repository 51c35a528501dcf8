"""The kit that users test with."""

from datetime import timedelta

from pydantic import BaseModel
from tenacity import wait_fixed

from pipelines import Pipeline, Retry, RunState, StepContext
from pipelines.testing import VirtualClock, rehearsal, run_to_the_end


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
    clock, scale = VirtualClock(), Scale(broken_times=1)
    async with rehearsal([ship], provide={Scale: scale}, database_url=database_url, clock=clock) as stage:
        run_id = await stage.start(ship, Parcel(weight=1))
        await stage.process.worker.settled()
        assert stage.run(run_id).state is RunState.WAITING
        stage.process.worker.look()
        await stage.process.worker.settled()
        assert stage.run(run_id).state is RunState.WAITING
        clock.advance(timedelta(hours=1, seconds=1))
        stage.process.worker.look()
        await stage.process.worker.settled()
        assert stage.run(run_id).state is RunState.COMPLETED
