"""Deferred rows of a batch: sent together, in one order for all processes, and each laid at the right door."""

from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from typing import Any

import psycopg
import pytest
from sqlalchemy import Column, ForeignKey, Integer, MetaData, Table, Update, bindparam, event, insert, text, update
from sqlalchemy.exc import DBAPIError
from sqlmodel import col

from pipelines import Transaction
from pipelines.committer.batch import UNRANKED, _rank_of
from pipelines.committer.faults import SilentRollbackError
from tests.builders.desk import TAKE, Desk, Member, Note, SoldOut, adding, open_desk, stock, taking

SKUS = {"lamp": 1, "rug": 1, "vase": 100}
RENAME = update(Note).where(col(Note.id) == bindparam("of")).values(text=bindparam("now"))
ADD_NOTE = insert(Note).values(id=bindparam("id"), text="")


@pytest.fixture
async def desk(tables_url: str) -> AsyncIterator[Desk]:
    stock(tables_url, SKUS)
    async with open_desk(tables_url) as opened:
        yield opened


@pytest.fixture
def sent(desk: Desk) -> Iterator[list[tuple[str, list[Any]]]]:
    """Table and keys of each statement that writes, in the order in which they are sent."""
    statements: list[tuple[str, list[Any]]] = []

    def notice(*given: Any) -> None:
        sql, context = given[2], given[4]
        if context.isupdate or context.isinsert:
            table = sql.split()[1 if context.isupdate else 2]
            statements.append((table, [row["of"] for row in context.compiled_parameters if "of" in row]))

    event.listen(desk.process._writers, "before_cursor_execute", notice)
    yield statements
    event.remove(desk.process._writers, "before_cursor_execute", notice)


def deferring(*rows: tuple[Update, dict[str, Any]]) -> Member:
    """A member that defers these rows and wants none of them to be met."""

    def defer(tx: Transaction) -> None:
        for statement, row in rows:
            tx.defer(statement, row)

    return defer


async def test_equal_statements_of_a_batch_are_sent_once_with_their_rows_in_key_order(
    desk: Desk, sent: list[tuple[str, list[Any]]]
) -> None:
    await desk.in_one_batch(taking("vase"), taking("rug"), taking("vase", "lamp"))
    assert sent[-1] == ("shelf", ["lamp", "rug", "vase", "vase"])
    assert [table for table, _ in sent].count("shelf") == 1


async def test_tables_are_written_in_the_order_of_their_rank_whatever_the_members_did_first(
    desk: Desk, sent: list[tuple[str, list[Any]]]
) -> None:
    await desk.in_one_batch(
        deferring((RENAME, {"of": 1, "now": "x"})),
        deferring((TAKE, {"of": "lamp", "taken": 1})),
    )
    assert [table for table, _ in sent][-2:] == ["shelf", "note"]  # rank 30; unranked ones come last


def test_parents_come_before_their_children_where_no_rank_is_given() -> None:
    metadata = MetaData()
    child = Table("a", metadata, Column("parent", ForeignKey("b.id")))
    parent = Table("b", metadata, Column("id", Integer, primary_key=True))
    assert UNRANKED <= _rank_of(parent) < _rank_of(child)


async def test_a_row_that_nobody_asked_about_may_be_missed(desk: Desk) -> None:
    assert await desk.in_one_batch(deferring((RENAME, {"of": 404, "now": "x"})), adding(1)) == [None, 1]


async def test_of_two_members_who_want_the_last_one_the_first_gets_it(desk: Desk) -> None:
    first, second = await desk.in_one_batch(taking("lamp", as_number=1), taking("lamp", as_number=2))
    assert first == 1
    assert isinstance(second, SoldOut)
    assert desk.notes() == [1]
    assert desk.available("lamp") == 0


async def test_a_member_is_not_refused_for_what_another_one_did_not_get_after_all(desk: Desk) -> None:
    greedy, modest = await desk.in_one_batch(taking("lamp", "unicorn", as_number=1), taking("lamp", as_number=2))
    assert isinstance(greedy, SoldOut)
    assert modest == 2
    assert desk.notes() == [2]


async def test_many_who_come_too_late_cost_one_more_try(desk: Desk) -> None:
    calls: list[int] = []

    def counted(number: int) -> Member:
        def take(tx: Transaction) -> None:
            calls.append(number)
            taking("lamp")(tx)

        return take

    answers = await desk.in_one_batch(*map(counted, range(20)))
    assert [type(answer) for answer in answers[1:]] == [SoldOut] * 19
    assert len(calls) == 20 + 20 + 1  # together, one by one, and the one that is left


async def test_guarded_and_unguarded_rows_of_one_statement_are_told_apart(desk: Desk) -> None:
    indifferent, guarded = await desk.in_one_batch(
        deferring((TAKE, {"of": "lamp", "taken": 1})),
        taking("unicorn", as_number=1),
    )
    assert indifferent is None
    assert isinstance(guarded, SoldOut)


async def test_an_error_that_a_member_swallowed_acknowledges_nobody_in_vain(desk: Desk) -> None:
    def swallow(tx: Transaction) -> str:
        with suppress(DBAPIError):
            tx.execute(text("SELECT * FROM nowhere"))
        return "all is well"

    before, swallowed, after = await desk.in_one_batch(adding(1), swallow, adding(2))
    assert (before, after) == (1, 2)
    assert isinstance(swallowed, DBAPIError)
    assert desk.notes() == [1, 2]


async def test_a_commit_that_postgresql_answers_with_rollback_acknowledges_nobody(postgres_url: str) -> None:
    def spoil(tx: Transaction) -> None:
        with suppress(psycopg.Error):  # past SQLAlchemy, so that nobody notices
            tx.core.connection.driver_connection.execute("SELECT * FROM nowhere")  # type: ignore[union-attr] # psycopg's

    async with open_desk(postgres_url) as desk:
        with pytest.raises(SilentRollbackError):
            await desk.process.write(spoil)
        *answers, spoilt = await desk.in_one_batch(adding(1), adding(2), spoil)
        assert answers == [1, 2]
        assert isinstance(spoilt, SilentRollbackError)
        assert desk.notes() == [1, 2]


async def test_a_refusal_that_has_written_nothing_has_no_sibling_called_again(desk: Desk) -> None:
    calls: list[int] = []

    def refuse(tx: Transaction) -> None:
        tx.defer(TAKE, {"of": "lamp", "taken": 1}, otherwise=SoldOut())
        tx.noted["price"] = 1
        raise ValueError

    def call(tx: Transaction) -> None:
        calls.append(len(tx.noted))

    await desk.in_one_batch(refuse, call, call)
    assert calls == [0, 0]
    assert desk.batches == [3]
    assert desk.available("lamp") == 1  # what it deferred went with it


async def test_inserts_go_before_updates_of_the_same_table(desk: Desk, sent: list[tuple[str, list[Any]]]) -> None:
    def add_later(tx: Transaction) -> None:
        tx.defer(ADD_NOTE, {"id": 7})

    await desk.in_one_batch(deferring((RENAME, {"of": 7, "now": "x"})), add_later)
    assert desk.notes() == [7]
    assert [keys for table, keys in sent if table == "note"] == [[], [7]]
