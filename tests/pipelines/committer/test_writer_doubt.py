"""The answer to a COMMIT is lost, or the database is away: who is told what, and what is on disk."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import nullcontext, suppress
from typing import Any

import psycopg
import pytest
from sqlalchemy import event, select, text
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DBAPIError

from pipelines import OutcomeUnknown, Transaction, Unavailable
from pipelines.events import CommitDoubted
from pipelines.journal import patience
from tests.builders.desk import PATIENCE_SECONDS, Desk, Member, Note, adding, open_desk
from tests.harness.commit_proxy import CommitProxy, Cut, commit_proxy


@pytest.fixture
async def proxy(postgres_url: str) -> AsyncIterator[CommitProxy]:
    async with commit_proxy(postgres_url) as running:
        yield running


@pytest.fixture
async def desk(proxy: CommitProxy, postgres_url: str) -> AsyncIterator[Desk]:
    async with open_desk(proxy.url, stored_at=postgres_url) as opened:
        yield opened


def doubts(desk: Desk) -> list[bool]:
    """What the journal said of each COMMIT that was in doubt."""
    return [event.committed for event in desk.events if isinstance(event, CommitDoubted)]


def lose_patience(desk: Desk) -> None:
    """Whoever waits has waited for long enough: to let the time pass would be to hope that the rest is quick."""
    for member in desk.committer._impatient:
        member.deadline = 0.0


async def until_it_cannot_connect(desk: Desk) -> None:
    """From then on nothing of a batch is on its way: the writer has found its connection broken, and wants another."""
    has_failed = threading.Event()

    def hear(error: ExceptionContext) -> None:
        if error.connection is None:
            has_failed.set()

    event.listen(desk.process._writers, "handle_error", hear)
    assert await asyncio.to_thread(has_failed.wait, PATIENCE_SECONDS)


@pytest.mark.parametrize(("cut", "committed"), [(Cut.BEFORE, False), (Cut.AFTER, True)])
async def test_every_member_is_there_once_whether_the_commit_was_lost_on_its_way_there_or_back(
    desk: Desk, proxy: CommitProxy, cut: Cut, *, committed: bool
) -> None:
    async with desk.busy():
        tasks = await desk.hand_in(adding(1), adding(2), adding(3))
    proxy.cut_next_commit(cut)
    assert await asyncio.gather(*tasks) == [1, 2, 3]
    assert desk.notes() == [1, 2, 3]
    assert doubts(desk) == [committed]
    assert await desk.process.write(adding(4)) == 4


async def test_a_caller_whose_answer_is_withheld_is_told_that_nobody_knows(desk: Desk, proxy: CommitProxy) -> None:
    proxy.cut_next_commit(Cut.WITHHELD)
    (writing,) = await desk.hand_in(adding(1))
    await proxy.has_cut.wait()
    lose_patience(desk)
    with pytest.raises(OutcomeUnknown):
        await writing
    assert desk.notes() == [1]
    proxy.let_go.set()
    assert await desk.process.write(adding(2)) == 2


async def test_a_commit_that_nobody_answers_is_hung_up_on_and_looked_up(
    desk: Desk, proxy: CommitProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The link is half open: to wait for its end would be to wait for ever."""
    proxy.cut_next_commit(Cut.WITHHELD)
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(patience, "LONGEST_SILENCE_SECONDS", 0.1)
        assert await desk.committer.progress(adding(1)) == 1
    assert await desk.committer.progress(adding(2)) == 2
    assert doubts(desk) == [True]
    assert desk.notes() == [1, 2]
    proxy.let_go.set()


async def test_the_journal_says_who_was_right_once_it_can_be_asked(desk: Desk, proxy: CommitProxy) -> None:
    proxy.cut_next_commit(Cut.AFTER, then_away=True)
    (writing,) = await desk.hand_in(adding(1))
    await proxy.has_cut.wait()
    lose_patience(desk)
    with pytest.raises(OutcomeUnknown):
        await writing
    proxy.come_back()
    assert await desk.committer.progress(adding(2)) == 2
    assert doubts(desk) == [True]
    assert desk.notes() == [1, 2]


async def test_a_commit_that_never_arrived_is_sent_again_though_its_caller_has_given_up(
    desk: Desk, proxy: CommitProxy
) -> None:
    proxy.cut_next_commit(Cut.BEFORE, then_away=True)
    (writing,) = await desk.hand_in(adding(1))
    await proxy.has_cut.wait()
    lose_patience(desk)
    with pytest.raises(OutcomeUnknown):
        await writing
    proxy.come_back()
    assert await desk.committer.progress(adding(2)) == 2
    assert doubts(desk) == [False]
    assert desk.notes() == [1, 2]


async def test_nothing_is_stored_of_a_write_that_was_refused_because_the_database_was_away(
    desk: Desk, proxy: CommitProxy
) -> None:
    proxy.go_away()
    (writing,) = await desk.hand_in(adding(1))
    await until_it_cannot_connect(desk)
    lose_patience(desk)
    with pytest.raises(Unavailable):
        await writing
    proxy.come_back()
    assert await desk.committer.progress(adding(2)) == 2
    assert desk.notes() == [2]


async def test_progress_waits_for_a_database_that_is_away(desk: Desk, proxy: CommitProxy) -> None:
    proxy.go_away()
    (carrying_on,) = await desk.hand_in(adding(1), progress=True)
    (writing,) = await desk.hand_in(adding(2))
    await until_it_cannot_connect(desk)
    lose_patience(desk)
    with pytest.raises(Unavailable):  # so it has been away for longer than anybody's patience
        await writing
    proxy.come_back()
    assert await carrying_on == 1
    assert desk.notes() == [1]


def losing_the_connection(postgres_url: str, *, times: int, swallow: bool = False) -> Member:
    """A member under which the connection breaks, so many times."""
    left = iter(range(times))

    def lose(tx: Transaction) -> int:
        if next(left, None) is not None:
            pid = tx.core.execute(text("SELECT pg_backend_pid()")).scalar_one()
            with psycopg.connect(postgres_url) as other:
                other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        with suppress(DBAPIError) if swallow else nullcontext():
            tx.execute(select(Note))
        return 2

    return lose


async def test_a_batch_waits_for_a_database_that_breaks_every_connection_at_once(desk: Desk, postgres_url: str) -> None:
    left = iter(range(5))

    def terminate(*given: Any) -> None:
        cursor, sql = given[1:3]
        if sql.startswith("UPDATE processes") and next(left, None) is not None:
            with psycopg.connect(postgres_url) as other:
                other.execute("SELECT pg_terminate_backend(%s, 5000)", [cursor.connection.info.backend_pid])

    event.listen(desk.process._writers, "before_cursor_execute", terminate)
    assert await desk.committer.progress(adding(1)) == 1
    assert next(left, None) is None


@pytest.mark.parametrize("swallow", [False, True])
async def test_a_connection_that_breaks_under_a_batch_costs_nobody_anything(
    desk: Desk, postgres_url: str, *, swallow: bool
) -> None:
    breaking = losing_the_connection(postgres_url, times=1, swallow=swallow)
    assert await desk.in_one_batch(adding(1), breaking, adding(3)) == [1, 2, 3]
    assert desk.notes() == [1, 3]


async def test_a_member_that_always_breaks_the_connection_fails_alone(desk: Desk, postgres_url: str) -> None:
    breaking = losing_the_connection(postgres_url, times=1000)
    answers = await desk.in_one_batch(adding(1), breaking, adding(3), progress=True)  # progress has no deadline
    assert isinstance(answers.pop(1), Unavailable)
    assert answers == [1, 3]
    assert desk.notes() == [1, 3]
