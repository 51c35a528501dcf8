"""A move that was broken off, or whose COMMIT nobody has heard of: the file stays closed until it is known."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

import pytest
from sqlalchemy import text

from orders_service import moving, schema
from pipelines import JournalMoved, NotMoved, OutcomeUnknown, Process
from pipelines.journal import arriving, closing, parse_url, patience
from pipelines.journal.dialects import open_for_receiving
from pipelines.journal.moving import Moved, spoken
from tests.builders.house import A_PROCESS, at, execute, half_moved, is_open, move, rows_in
from tests.harness import schemas
from tests.harness.commit_proxy import Cut, commit_proxy
from tests.harness.postgres import Postgres, fresh_database
from tests.harness.stage import until

WAITING = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


def test_a_move_that_died_is_finished_by_making_it_again(source: str, target: str) -> None:
    half_moved(source, target)
    with pytest.raises(JournalMoved, match=r"is not finished\. Repeat it, or open this journal again\."):
        schema.check(source)
    assert move(source, target).rows["products"] == 1


async def test_a_process_that_asks_nobody_is_told_so_too(source: str, target: str) -> None:
    half_moved(source, target)
    with pytest.raises(JournalMoved):
        await Process(source).start()
    assert rows_in(source, "processes") == 0


def test_a_move_that_died_is_not_finished_elsewhere(source: str, target: str) -> None:
    half_moved(source, "postgresql://db.example.com/orders")
    with pytest.raises(NotMoved, match=r"to postgresql://\S+/orders is not finished: repeat that one"):
        move(source, target)
    assert not is_open(source)


def test_a_move_that_died_may_be_given_up(source: str, target: str) -> None:
    half_moved(source, target)
    assert moving.reopen(source, None, is_gone=False)
    assert is_open(source)
    execute(source, A_PROCESS)
    assert not moving.reopen(source, None, is_gone=False)


def test_the_file_is_not_opened_again_while_the_target_has_the_journal(source: str, postgres: Postgres) -> None:
    with fresh_database(postgres) as there:
        move(source, there)  # it was bare, and is migrated first
        schema.check(there)
        with pytest.raises(NotMoved, match="has this journal: drop that database first"):
            moving.reopen(source, there, is_gone=False)
        with pytest.raises(NotMoved, match="The move went to postgresql://"):
            moving.reopen(source, "postgresql://db.example.com/orders", is_gone=False)
    with pytest.raises(NotMoved, match=r"cannot be asked whether it has the journal: .* --target-is-gone"):
        moving.reopen(source, None, is_gone=False)
    assert not is_open(source)
    assert moving.reopen(source, None, is_gone=True)
    assert is_open(source)


def test_what_a_mover_that_died_has_sent_may_arrive_after_the_next_one_has_looked(source: str, target: str) -> None:
    half_moved(source, target)
    with in_commit(source, target) as arrive:
        assert move(source, target, at("closed", arrive)).moved == Moved(id=move_of(source), target=named(target))
    assert not is_open(source)


async def test_the_file_is_not_opened_again_while_its_journal_may_still_arrive(source: str, target: str) -> None:
    half_moved(source, target)
    with in_commit(source, target) as arrive:
        opened = asyncio.create_task(asyncio.to_thread(moving.reopen, source, target, is_gone=False))
        await until(lambda: opened.done() or is_waited_for(target))
        arrive()
        with pytest.raises(NotMoved, match="has this journal"):
            await opened
    assert not is_open(source)


def test_a_statement_that_takes_long_is_waited_for(source: str, target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """To check what millions of rows refer to takes minutes, in which the database says nothing."""
    nap = "CREATE FUNCTION nap() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(2); RETURN NULL; END'"
    execute(target, nap, "CREATE TRIGGER t AFTER INSERT ON products EXECUTE FUNCTION nap()")
    monkeypatch.setattr(patience, "LONGEST_SILENCE_SECONDS", 1.5)  # of all others, too
    assert move(source, target).rows["products"] == 1
    monkeypatch.undo()
    execute(target, "DROP TRIGGER t ON products", "DROP FUNCTION nap")


@contextmanager
def in_commit(source: str, target: str) -> Iterator[Callable[[], None]]:
    """A mover that died when it had sent its COMMIT, which the database is still at: it happens when this is called."""
    engine = open_for_receiving(target)
    try:
        with arriving.receiving(engine, move_of(source), ()) as tx:
            arriving.sign(tx, "somebody", {})
            yield lambda: arriving.settle(tx)
    finally:
        engine.dispose()


def move_of(source: str) -> UUID:
    with schemas.connected(source) as connection:
        begun = closing.closing_of(connection)
    assert begun is not None
    return begun.id


def is_waited_for(url: str) -> bool:
    """Whether somebody there waits for a lock."""
    with schemas.connected(url) as connection:
        return bool(connection.scalar(text(WAITING)))


def named(url: str) -> str:
    return spoken(parse_url(url))


@pytest.mark.parametrize("cut", [Cut.BEFORE, Cut.AFTER])
async def test_a_lost_answer_to_the_commit_is_found_out(source: str, target: str, cut: Cut) -> None:
    async with commit_proxy(target) as proxy:
        at_commit = at("compared", lambda: proxy.cut_next_commit(cut))
        moved = asyncio.to_thread(move, source, proxy.url, at_commit)
        if cut is Cut.AFTER:
            assert (await moved).rows["products"] == 1
        else:
            with pytest.raises(NotMoved):
                await moved
        assert is_open(source) == (cut is Cut.BEFORE)


async def test_while_nobody_knows_whether_it_has_arrived_the_file_stays_closed(
    source: str, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arriving, "PATIENCE_SECONDS", 0.1)
    async with commit_proxy(target) as proxy:
        at_commit = at("compared", lambda: proxy.cut_next_commit(Cut.AFTER, then_away=True))
        with pytest.raises(OutcomeUnknown, match="its answer was lost"):
            await asyncio.to_thread(move, source, proxy.url, at_commit)
        assert not is_open(source)
        proxy.come_back()
        found = await asyncio.to_thread(move, source, proxy.url)
    assert found.moved is not None
    assert rows_in(target, "products") == 1
