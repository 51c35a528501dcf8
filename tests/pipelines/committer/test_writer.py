"""A bad member of a batch fails alone, whatever it did, and its siblings commit."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import insert, text
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError

from pipelines import Transaction, Unavailable
from tests.builders.desk import TAKE, Note, SoldOut, adding, from_outside, open_desk, stock, taking

FIFTY = range(50)
BAD = 17
TAKEN = 1000  # the number of a note that is there already


class Refusal(Exception):
    """A member's own."""


def refuses_before_it_writes(_: Transaction) -> None:
    raise Refusal


def refuses_after_it_has_added(tx: Transaction) -> None:
    tx.add(Note(id=BAD))
    raise Refusal


def refuses_after_it_has_written(tx: Transaction) -> None:
    tx.execute(insert(Note).values(id=BAD, text=""))
    raise Refusal


def refuses_after_it_has_merged(tx: Transaction) -> None:
    tx.merge(Note(id=BAD))
    raise Refusal


def refuses_after_it_has_changed_a_row(tx: Transaction) -> None:
    tx.get_one(Note, TAKEN).text = "changed"
    raise Refusal


def refuses_what_the_database_said(tx: Transaction) -> None:
    try:
        tx.execute(text("SELECT * FROM nowhere"))
    except DBAPIError as error:
        raise Refusal from error


def violates_a_constraint_when_it_is_sent(tx: Transaction) -> None:
    tx.add(Note(id=TAKEN))


def violates_a_constraint_at_once(tx: Transaction) -> None:
    tx.execute(insert(Note).values(id=TAKEN, text=""))


def writes_too_much(tx: Transaction) -> None:
    tx.add(Note(id=BAD, text="x" * 21))


def counts_too_far(tx: Transaction) -> None:
    tx.add(Note(id=2**63))


def takes_what_is_not_there(tx: Transaction) -> None:
    tx.defer(TAKE, {"of": "unicorn", "taken": 1}, otherwise=SoldOut())


def defers_half_a_row(tx: Transaction) -> None:
    tx.defer(TAKE, {"of": "lamp"}, otherwise=SoldOut())


def defers_a_row_without_a_key(tx: Transaction) -> None:
    tx.defer(TAKE, {"of": None, "taken": 1}, otherwise=SoldOut())


BAD_MEMBERS = [
    (refuses_before_it_writes, Refusal),
    (refuses_after_it_has_added, Refusal),
    (refuses_after_it_has_written, Refusal),
    (refuses_after_it_has_merged, Refusal),
    (refuses_after_it_has_changed_a_row, Refusal),
    (refuses_what_the_database_said, Refusal),
    (violates_a_constraint_when_it_is_sent, IntegrityError),
    (violates_a_constraint_at_once, IntegrityError),
    (writes_too_much, DBAPIError),
    (counts_too_far, (OverflowError, DBAPIError)),
    (takes_what_is_not_there, SoldOut),
    (defers_half_a_row, StatementError),
    (defers_a_row_without_a_key, SoldOut),
]


@pytest.mark.parametrize(("bad", "error"), [pytest.param(*pair, id=pair[0].__name__) for pair in BAD_MEMBERS])
async def test_one_bad_member_of_fifty_fails_alone(tables_url: str, bad: Any, error: Any) -> None:
    stock(tables_url, {"lamp": 50})
    async with open_desk(tables_url) as desk:
        await desk.process.write(adding(TAKEN))
        members = [bad if number == BAD else taking("lamp", as_number=number) for number in FIFTY]
        answers = await desk.in_one_batch(*members)
        assert isinstance(answers.pop(BAD), error)
        good = [number for number in FIFTY if number != BAD]
        assert answers == good
        assert desk.notes() == [*good, TAKEN]
        assert desk.available("lamp") == 1
        assert await desk.process.write(adding(2000)) == 2000


async def test_nobody_is_called_or_blamed_when_the_process_itself_may_not_write(tables_url: str) -> None:
    calls: list[Transaction] = []
    async with open_desk(tables_url) as desk:
        from_outside(tables_url, lambda other: other.execute(text("ALTER TABLE processes RENAME TO elsewhere")))
        answers = await asyncio.gather(*[desk.process.write(calls.append) for _ in range(10)], return_exceptions=True)
        from_outside(tables_url, lambda other: other.execute(text("ALTER TABLE elsewhere RENAME TO processes")))
        assert [type(answer) for answer in answers] == [Unavailable] * 10
        assert calls == []
        assert await desk.process.write(adding(1)) == 1


async def test_fifty_good_members_are_one_commit(tables_url: str) -> None:
    async with open_desk(tables_url) as desk:
        assert await desk.in_one_batch(*map(adding, FIFTY)) == list(FIFTY)
        assert desk.batches == [50]
