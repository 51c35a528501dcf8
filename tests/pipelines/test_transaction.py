"""The two sessions: what a transaction function may not do, and what a dropped member leaves behind."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from pipelines import NotInsideTransaction, Transaction
from tests.builders.desk import Desk, Note, adding, make_tables, open_desk, taking


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    url = f"sqlite:///{tmp_path / 'notes.db'}"
    make_tables(url)
    async with open_desk(url, slots=1) as opened:
        yield opened


@pytest.mark.parametrize(
    "forbidden", [Transaction.flush, Transaction.commit, Transaction.rollback, Transaction.begin_nested]
)
async def test_only_the_committer_ends_a_transaction(desk: Desk, forbidden: Callable[[Transaction], None]) -> None:
    bad, good = await desk.in_one_batch(forbidden, adding(1))
    assert isinstance(bad, NotInsideTransaction)
    assert good == 1
    assert desk.batches == [2]


async def test_reading_inside_a_transaction_sends_nothing_that_was_added(desk: Desk) -> None:
    def add_and_look(tx: Transaction) -> int:
        tx.add(Note(id=1))
        return len(tx.execute(select(Note)).all())

    assert await desk.process.write(add_and_look) == 0
    assert desk.notes() == [1]


def reads(tx: Transaction) -> None:
    tx.execute(select(Note))


def adds(tx: Transaction) -> None:
    tx.add(Note(id=1))


def merges(tx: Transaction) -> None:
    tx.merge(Note(id=1))


def deletes(tx: Transaction) -> None:
    tx.delete(tx.get_one(Note, 1000))


def changes(tx: Transaction) -> None:
    tx.get_one(Note, 1000).text = "changed"


def inserts(tx: Transaction) -> None:
    tx.execute(insert(Note).values(id=1, text=""))


@pytest.mark.parametrize(
    ("act", "wrote"),
    [
        (reads, False),
        (taking("lamp"), False),
        (adds, True),
        (merges, True),
        (deletes, True),
        (changes, True),
        (inserts, True),
    ],
)
async def test_what_a_member_wrote_is_noticed(desk: Desk, act: Callable[[Transaction], None], *, wrote: bool) -> None:
    def observe(tx: Transaction) -> bool:
        mark = tx.mark()
        act(tx)
        noticed = tx.wrote_since(mark)
        tx.expunge_all()
        tx.deferred.clear()
        return noticed

    await desk.process.write(adding(1000))
    assert await desk.process.write(observe) is wrote


async def test_a_dropped_member_leaves_nothing_of_what_it_asked_for(desk: Desk) -> None:
    def ask_and_fail(tx: Transaction) -> None:
        assert tx.take_slot()
        tx.wake("news")
        tx.noted["price"] = 1
        taking("lamp")(tx)
        raise LookupError

    def left(tx: Transaction) -> tuple[int, int, int, int]:
        return len(tx.deferred), len(tx.wakes), len(tx.noted), tx._slots

    _, leftovers = await desk.in_one_batch(ask_and_fail, left)
    assert leftovers == (0, 0, 0, 0)


async def test_slots_that_a_failed_batch_took_are_given_back(desk: Desk) -> None:
    def take_and_fail(tx: Transaction) -> None:
        assert tx.take_slot()
        tx.add(Note(id=1))
        raise LookupError

    for _ in range(2):
        with pytest.raises(LookupError):
            await desk.process.write(take_and_fail)
    assert await desk.process.write(lambda tx: tx.take_slot())
