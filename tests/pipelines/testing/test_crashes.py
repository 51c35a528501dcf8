"""The crash matrix for users: it lets sound pipelines pass, and names what is wrong with others."""

from collections.abc import Callable
from itertools import count, cycle
from typing import Any

import pytest
from sqlalchemy import insert

from pipelines import Pipeline, Reject, Retry, StepContext, Transaction, WiringError, start
from pipelines.journal import open_for_writing
from pipelines.testing import DoesNotSurvive, NeverEndingError, Outside, Survivor, survives_every_crash
from tests.builders.world import Trip, effects, fresh_life, note

EARS: dict[str, str] = {}  # where a careless step finds a database of its own


class Bank(Outside):
    """Pays once under each key."""

    async def pay(self, amount: int, *, key: str) -> None:
        await self.accepts("pay", amount, key=key)

    async def refund(self, amount: int, *, key: str | None = None) -> None:
        await self.accepts("refund", amount, key=key)

    async def rate(self) -> int:
        await self.accepts("rate")
        return 2


def a_bank(*, refuses: bool = False) -> Bank:
    bank = Bank()
    if refuses:
        bank.refuses("pay", Reject("no money"))
    return bank


def sound() -> Pipeline[Trip]:
    pipeline = Pipeline("trip", Trip)

    def unbook(tx: Transaction) -> None:
        note(tx, "unbooked")

    async def refund(bank: Bank, step: StepContext) -> None:
        await bank.refund(3, key=step.idempotency_key)

    @pipeline.step(undo=unbook)
    def book(tx: Transaction) -> None:
        note(tx, "booked")

    @pipeline.step(undo=refund, retry=Retry(on=(OSError,)))
    async def pay(bank: Bank, step: StepContext) -> None:
        await bank.pay(3, key=step.idempotency_key)

    return pipeline


def with_an_effect_outside_of_the_transaction() -> Pipeline[Trip]:
    pipeline = Pipeline("trip", Trip)

    @pipeline.step()
    async def book(trip: Trip) -> None:
        engine = open_for_writing(EARS["url"])
        with engine.begin() as connection:
            connection.execute(insert(effects).values(what="booked"))
        engine.dispose()

    return pipeline


def with_a_key_of_each_attempt() -> Pipeline[Trip]:
    pipeline, numbers = Pipeline("trip", Trip), count()

    @pipeline.step()
    async def pay(bank: Bank) -> None:
        await bank.pay(3, key=f"pay-{next(numbers)}")

    return pipeline


def with_an_undo_that_counts_twice() -> Pipeline[Trip]:
    pipeline = Pipeline("trip", Trip)

    async def refund(bank: Bank) -> None:
        await bank.refund(3)

    @pipeline.step(undo=refund)
    async def pay(bank: Bank, step: StepContext) -> None:
        await bank.pay(3, key=step.idempotency_key)

    return pipeline


@pytest.mark.parametrize("refuses", [False, True])
async def test_a_sound_pipeline_survives(refuses: bool) -> None:  # noqa: FBT001 - a parameter of the test
    def check(survivor: Survivor) -> None:
        bank = survivor.provided[Bank]
        assert (len(bank.effects("pay")), len(bank.effects("refund"))) == ((0, 1) if refuses else (1, 0))

    points = await survives_every_crash(
        sound(), Trip(), provide=lambda: {Bank: a_bank(refuses=refuses)}, check=check, database=fresh_life
    )
    assert len(points) == (16 if refuses else 9)


@pytest.mark.parametrize(
    ("pipeline", "refuses", "said"),
    [
        (
            with_an_effect_outside_of_the_transaction,
            False,
            """trip does not survive 2 of 5 deaths.

1. It died after the end, before its attempt was written, of book.
  Promised: the effects on the database happen exactly once.
  Without a crash: effects: 1 row
  Here:            effects: 2 rows, and only here what='booked'
  To mend it: Write through the `Transaction` that the step asks for""",
        ),
        (
            with_a_key_of_each_attempt,
            False,
            """trip does not survive 3 of 7 deaths.

1. It died after the call, before its answer, of Bank.pay in pay.
  Promised: an effect outside happens under one key, however often it is asked for.
  Without a crash: {'Bank.pay in pay': 1}
  Here:            {'Bank.pay in pay': 2}
  To mend it: Ask for `step: StepContext` and send `step.idempotency_key`""",
        ),
        (
            with_an_undo_that_counts_twice,
            True,
            """trip does not survive 3 of 12 deaths.

1. It died after the call, before its answer, of Bank.refund in the undo of pay.
  Promised: an effect outside happens under one key, however often it is asked for.
  Without a crash: {'Bank.pay in pay': 1, 'Bank.refund in the undo of pay': 1}
  Here:            {'Bank.pay in pay': 1, 'Bank.refund in the undo of pay': 2}
  To mend it: Ask for""",
        ),
    ],
)
async def test_a_bug_is_told_by_where_it_shows_what_was_promised_and_how_to_mend_it(
    pipeline: Callable[[], Pipeline[Trip]],
    refuses: bool,  # noqa: FBT001 - a parameter of the test
    said: str,
) -> None:
    with pytest.raises(DoesNotSurvive) as found:
        await survives_every_crash(
            pipeline(),
            Trip(),
            provide=lambda: {Bank: a_bank(refuses=refuses)},
            prepare=_lend_an_ear,
            database=fresh_life,
        )
    assert said in str(found.value)


def _lend_an_ear(tx: Transaction) -> None:
    EARS["url"] = tx.get_bind().engine.url.render_as_string(hide_password=False)


async def test_what_check_asserts_is_told_with_the_death_at_which_it_failed() -> None:
    def check(survivor: Survivor) -> None:
        assert len(survivor.provided[Bank].heard) == 1, "the bank heard of it again"

    with pytest.raises(DoesNotSurvive, match=r"(?s)after the call, before its answer.*the bank heard of it again"):
        await survives_every_crash(sound(), Trip(), provide=lambda: {Bank: a_bank()}, check=check, database=fresh_life)


async def test_a_pipeline_that_fails_without_a_crash_is_told_so() -> None:
    def check(_: Survivor) -> None:
        raise AssertionError("never right")

    with pytest.raises(DoesNotSurvive, match="trip fails without any crash: never right"):
        await survives_every_crash(sound(), Trip(), provide=lambda: {Bank: a_bank()}, check=check, database=fresh_life)


async def test_fakes_that_do_not_do_the_same_each_time_are_refused() -> None:
    refuses = cycle([False, True])
    with pytest.raises(DoesNotSurvive, match="trip does not do the same in each life"):
        await survives_every_crash(
            sound(), Trip(), provide=lambda: {Bank: a_bank(refuses=next(refuses))}, database=fresh_life
        )


@pytest.mark.parametrize("reads", [(), ("Bank.rate",)])
async def test_a_call_without_a_key_must_be_said_to_ask_only(reads: tuple[str, ...]) -> None:
    pipeline = Pipeline("trip", Trip)

    @pipeline.step()
    async def look(bank: Bank) -> int:
        return await bank.rate()

    living = survives_every_crash(pipeline, Trip(), provide=lambda: {Bank: a_bank()}, reads=reads, database=fresh_life)
    if reads:
        await living
    else:
        with pytest.raises(DoesNotSurvive, match="If the call only asks, name it in"):
            await living


async def test_fakes_that_several_lives_would_share_are_refused() -> None:
    shared: Any = {Bank: a_bank()}
    with pytest.raises(WiringError, match="fakes of its own: lambda:"):
        await survives_every_crash(sound(), Trip(), provide=shared)


async def test_a_pipeline_may_start_runs_of_another_that_is_named() -> None:
    other, pipeline = Pipeline("other trip", Trip), Pipeline("trip", Trip)

    @other.step()
    def stay(tx: Transaction) -> None:
        note(tx, "stayed")

    @pipeline.step()
    def book(trip: Trip, tx: Transaction) -> None:
        note(tx, "booked")
        start(tx, other, trip)

    with pytest.raises(NeverEndingError, match="other trip"):
        await survives_every_crash(pipeline, Trip(), database=fresh_life)
    await survives_every_crash(pipeline, Trip(), beside=[other], database=fresh_life)
