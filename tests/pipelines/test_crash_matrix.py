"""Death at every COMMIT: whichever process is the last, each effect is there once and the run has one end."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from unittest.mock import patch

import pytest
from sqlalchemy import select

from pipelines import (
    AttemptOutcome,
    Ending,
    Pipeline,
    ReadSession,
    Reject,
    Rhythm,
    RunRecord,
    RunState,
    StepContext,
    Transaction,
)
from pipelines.journal import reaping
from pipelines.journal.tables import runs
from pipelines.run import Run
from pipelines.testing import VirtualClock
from pipelines.worker import Performer, moves
from pipelines.worker.hand import Hand
from pipelines.worker.moves import Held
from pipelines.worker.wiring import Occasion
from tests.builders.deaths import Death, Moment, dying
from tests.builders.world import Trip, World, note, noted, staged, told

WAY = ["do book: success", "do pay: success", "do count: success", "do tell: success"]
WAY_BACK = [*WAY[:3], "do tell: rejected", "undo pay: success", "undo book: success"]
MORE_COMMITS_THAN_A_RUN_HAS = 12


@dataclass(frozen=True)
class Journey:
    """What a run does when nobody dies, and so must do whoever dies."""

    refusal: Reject | None
    state: RunState
    attempts: list[str]
    effects: list[str]
    heard: tuple[str, ...]


THERE = Journey(None, RunState.COMPLETED, WAY, ["booked", "closed: completed"], ("pay", "tell"))
BACK_AGAIN = Journey(
    Reject("full"),
    RunState.REJECTED,
    WAY_BACK,
    ["booked", "unbooked", "closed: rejected"],
    ("pay", "tell", "refund"),
)


def pipeline_of(journey: Journey) -> Pipeline[Trip]:
    """Every kind of step, and both kinds of undo."""
    pipeline = Pipeline("trip", Trip)

    def unbook(tx: Transaction) -> None:
        note(tx, "unbooked")

    async def refund(world: World, step: StepContext) -> None:
        await world.call("refund", step)

    @pipeline.step(undo=unbook)
    def book(tx: Transaction) -> int:
        note(tx, "booked")
        return 4

    @pipeline.step(undo=refund)
    async def pay(booked: int, world: World, step: StepContext) -> None:
        assert booked == 4
        await world.call("pay", step)

    @pipeline.step()
    def count(trip: Trip) -> None:
        pass

    @pipeline.step()
    async def tell(world: World, step: StepContext) -> None:
        await world.call("tell", step)
        if journey.refusal is not None:
            raise journey.refusal

    @pipeline.at_end
    def close(ending: Ending, tx: Transaction) -> None:
        note(tx, f"closed: {ending.state}")

    return pipeline


async def begin(database_url: str, journey: Journey, world: World, *, at: int, moment: Moment) -> bool:
    """Run in a process that dies at this COMMIT; says whether it came to that."""
    pipeline, death = pipeline_of(journey), Death()

    async def travel() -> None:
        await stage.start(pipeline, Trip())
        await stage.process.worker.settled()

    async with staged(database_url, [pipeline], world, on_failure=death.notice) as stage:
        with dying(death, at=at, moment=moment):
            ends = [asyncio.create_task(travel()), asyncio.create_task(death.happened.wait())]
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            for each in ends:
                each.cancel()
            await asyncio.gather(*ends, return_exceptions=True)
    return death.happened.is_set()


async def finish(database_url: str, journey: Journey, world: World) -> list[RunRecord]:
    """Carry on in another process, for which the first one's lease has run out."""
    clock = VirtualClock()
    clock.advance(Rhythm().lease + timedelta(seconds=1))
    async with staged(database_url, [pipeline_of(journey)], world, clock=clock) as stage:
        await stage.write(reaping.reap, count_crash=True, jitter=0.0)
        await stage.run_to_the_end()
        with ReadSession(stage.process.readers) as session:
            started = session.execute(select(runs.c.id).order_by(runs.c.id)).scalars()
            return [stage.run(run_id) for run_id in started]


async def survive(database_url: str, journey: Journey, moment: Moment) -> int:
    """Die at the first COMMIT, at the second, and so on until there is none left to die at; says how many there were.

    All of them share a database, which must tell them apart.
    """
    for at in range(1, MORE_COMMITS_THAN_A_RUN_HAS):
        world, before = World(), len(noted(database_url)) if at > 1 else 0
        died = await begin(database_url, journey, world, at=at, moment=moment)
        travelled = await finish(database_url, journey, world)
        is_stored = at > 1 or moment is Moment.AFTER_COMMIT
        assert len(travelled) == (at if moment is Moment.AFTER_COMMIT else at - 1)
        if is_stored:
            judge(journey, travelled[-1], noted(database_url)[before:], world)
        if not died:
            return at - 1
    raise AssertionError("there was no end of COMMITs")


def judge(journey: Journey, run: RunRecord, effects: list[str], world: World) -> None:
    assert run.state is journey.state
    assert told(run) == journey.attempts
    assert effects == journey.effects
    assert tuple(dict.fromkeys(world.heard)) == journey.heard  # perhaps more than once, but in this order
    assert {what: len(world.keys(what)) for what in journey.heard} == dict.fromkeys(journey.heard, 1)


@pytest.mark.parametrize("moment", Moment)
@pytest.mark.parametrize(("journey", "commits"), [(THERE, 5), (BACK_AGAIN, 7)], ids=["there", "back again"])
async def test_whoever_dies_at_whichever_commit_the_run_ends_as_if_nobody_had(
    database_url: str, journey: Journey, commits: int, moment: Moment
) -> None:
    assert await survive(database_url, journey, moment) == commits


@contextmanager
def effect_and_attempt_apart() -> Iterator[None]:
    """A planted bug: the effect of a transaction step has a COMMIT of its own."""
    perform = Performer.perform

    async def perform_apart(self: Performer, held: Held, hand: Hand) -> object:
        if held.run.step != "book" or held.run.state is RunState.UNDOING:
            return await perform(self, held, hand)
        result = await self._committer.progress(
            lambda tx: held.wired.steps["book"].call(Occasion(payload=None, results={}, tx=tx))
        )
        now = VirtualClock().now()
        attempt = moves.attempt_of(held, now, now, AttemptOutcome.SUCCESS, result=moves.kept(held, result))
        return await self._committer.progress(moves.go_on, held, attempt, result)

    with patch.object(Performer, "perform", perform_apart):
        yield


@contextmanager
def key_of_each_owner() -> Iterator[None]:
    """A planted bug: whoever takes over calls under a key of its own."""
    with patch.object(Run, "idempotency_key", property(lambda run: f"{run.id}/{run.step}/{run.fence}")):
        yield


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("bug", "found"), [(effect_and_attempt_apart, r"\['booked', 'b"), (key_of_each_owner, "{'pay': 2, ")]
)
async def test_the_matrix_catches_a_planted_bug(
    database_url: str, bug: Callable[[], AbstractContextManager[None]], found: str
) -> None:
    with bug(), pytest.raises(AssertionError, match=found):
        await survive(database_url, BACK_AGAIN, Moment.BEFORE_COMMIT)
