"""When a process may write no more: it is told once, nobody waits for ever, and nothing is written after it."""

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from typing import Any, Self

import pytest
from sqlalchemy import delete, event, make_url, update

from pipelines import Fenced, OutcomeUnknown, Transaction, Unavailable
from pipelines.events import ProcessFailed
from pipelines.journal.tables import processes
from tests.builders.desk import adding, from_outside, open_desk

Deed = Callable[[Any], object]


def declare_all_dead(connection: Any) -> object:
    return connection.execute(update(processes).values(state="dead"))


def remove_all(connection: Any) -> object:
    return connection.execute(delete(processes))


def lose_history(connection: Any) -> object:
    return connection.execute(update(processes).values(commit_seq=0))


def count_for_them(connection: Any) -> object:
    return connection.execute(update(processes).values(commit_seq=processes.c.commit_seq + 1))


@pytest.mark.parametrize(
    ("deed", "error"),
    [
        (declare_all_dead, Fenced),
        (remove_all, Fenced),
        (lose_history, OutcomeUnknown),
        (count_for_them, OutcomeUnknown),
    ],
)
async def test_a_process_whose_row_says_so_writes_nothing_more(
    tables_url: str, deed: Deed, error: type[Exception]
) -> None:
    failures: list[str] = []
    async with open_desk(tables_url, on_failure=failures.append) as desk:
        await desk.in_one_batch(adding(1), adding(2))
        from_outside(tables_url, deed)
        answers = await asyncio.gather(
            desk.process.write(adding(3)), desk.committer.progress(adding(4)), return_exceptions=True
        )
        assert {type(answer) for answer in answers} - {Unavailable} == {error}  # the second may have come too late
        with pytest.raises(Unavailable):
            await desk.process.write(adding(5))
        assert desk.notes() == [1, 2]
    assert len(failures) == 1
    assert [type(each) for each in desk.events].count(ProcessFailed) == 1


async def test_nobody_waits_for_a_committer_that_has_failed(sqlite_url: str) -> None:
    class Bug(BaseException):
        pass

    def fail(_: Transaction) -> None:
        raise Bug

    failures: list[str] = []
    async with open_desk(sqlite_url, on_failure=failures.append) as desk:
        async with desk.busy():
            tasks = await desk.hand_in(fail, adding(1), progress=True) + await desk.hand_in(adding(2))
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(answer) for answer in answers] == [OutcomeUnknown] * 3
        assert desk.notes() == []
    assert len(failures) == 1


@pytest.mark.parametrize("really_commits", [False, True])
async def test_a_storage_error_at_commit_ends_the_process(sqlite_url: str, *, really_commits: bool) -> None:
    failures, is_broken = list[str](), False

    class BrokenCursor(sqlite3.Cursor):
        def execute(self, sql: str, *args: Any) -> Self:
            if not (is_broken and sql == "COMMIT"):
                return super().execute(sql, *args)
            if really_commits:
                super().execute(sql)
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC
            raise error

    class Broken(sqlite3.Connection):
        def cursor(self, *_: Any) -> Any:
            return super().cursor(BrokenCursor)

    def connect(*given: Any) -> Broken:
        return sqlite3.connect(*given[2], **given[3], factory=Broken)

    spoil = partial(event.listen, identifier="do_connect", fn=connect)
    async with open_desk(sqlite_url, on_failure=failures.append, prepare=spoil) as desk:
        await desk.process.write(adding(1))
        is_broken = True
        with pytest.raises(OutcomeUnknown):
            await desk.process.write(adding(2))
        with pytest.raises(Unavailable):
            await desk.process.write(adding(3))
    assert failures == ["the storage failed"]


def test_what_was_acknowledged_is_there_after_the_system_refused_to_write(sqlite_url: str) -> None:
    path = str(make_url(sqlite_url).database)
    command = [sys.executable, "-m", "tests.harness.small_disk", path]
    output = subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout  # noqa: S603 - ours
    *acknowledged, ending = output.splitlines()
    assert ending == "OutcomeUnknown: the storage failed"
    assert acknowledged
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        stored = {number for (number,) in connection.execute("SELECT id FROM note")}
    connection.close()
    assert stored >= set(map(int, acknowledged))
