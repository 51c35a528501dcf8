"""Death at every point of every kind of step: each effect is there once, and the run ends as if nobody had died."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from unittest.mock import patch

import pytest

from pipelines import AttemptOutcome, Ending, Pipeline, Reject, RunState, StepContext, Transaction
from pipelines.run import Run
from pipelines.testing import DoesNotSurvive, Moment, Survivor, VirtualClock, survives_every_crash
from pipelines.worker import Performer, moves
from pipelines.worker.hand import Hand
from pipelines.worker.moves import Held
from pipelines.worker.wiring import Occasion
from tests.builders.world import Trip, World, emptied, fresh_life, note, told

WAY = ["do book: success", "do pay: success", "do count: success", "do tell: success"]
WAY_BACK = [*WAY[:3], "do tell: rejected", "undo pay: success", "undo book: success"]


def a_trip(refusal: Reject | None) -> Pipeline[Trip]:
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
        if refusal is not None:
            raise refusal

    @pipeline.at_end
    def close(ending: Ending, tx: Transaction) -> None:
        note(tx, f"closed: {ending.state}")

    return pipeline


async def survived(
    refusal: Reject | None,
    way: list[str],
    *,
    moments: Collection[Moment] = tuple(Moment),
    database: Callable[[], AbstractContextManager[str]] = fresh_life,
) -> Counter[Moment]:
    """How many points of each kind, each survived by a run that went this way."""

    def check(survivor: Survivor) -> None:
        assert told(survivor.run) == way
        assert survivor.run.state is (RunState.REJECTED if refusal else RunState.COMPLETED)

    points = await survives_every_crash(
        a_trip(refusal), Trip(), provide=lambda: {World: World()}, check=check, moments=moments, database=database
    )
    return Counter(point.moment for point in points)


def points(*, commits: int, calls: int) -> Counter[Moment]:
    """As many deaths as there are places for them."""
    each = {Moment.BEFORE_COMMIT: commits, Moment.AFTER_COMMIT: commits, Moment.BEFORE_CALL: calls}
    return Counter(each | {Moment.AFTER_CALL: calls, Moment.AFTER_STEP: calls + 1})  # and after the computation


async def test_whoever_dies_wherever_the_run_ends_as_if_nobody_had() -> None:
    assert await survived(None, WAY) == points(commits=5, calls=2)
    assert await survived(Reject("full"), WAY_BACK) == points(commits=7, calls=3)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_whoever_dies_at_whichever_commit_the_run_ends_as_if_nobody_had(database_url: str) -> None:
    at_commits = (Moment.BEFORE_COMMIT, Moment.AFTER_COMMIT)
    found = await survived(Reject("full"), WAY_BACK, moments=at_commits, database=emptied(database_url))
    assert found == dict.fromkeys(at_commits, 7)


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


@pytest.mark.parametrize(
    ("bug", "found"), [(effect_and_attempt_apart, "exactly once"), (key_of_each_owner, "World.call in pay': 2")]
)
async def test_the_matrix_catches_a_planted_bug(bug: Callable[[], AbstractContextManager[None]], found: str) -> None:
    with bug(), pytest.raises(DoesNotSurvive, match=found):
        await survived(Reject("full"), WAY_BACK, moments=[Moment.BEFORE_COMMIT])
