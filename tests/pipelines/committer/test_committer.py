"""What a caller of `write` may rely on: his own answer, after the COMMIT, in time, whether he stays for it or not."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from pipelines import Limits, Overloaded, Process, Transaction, Unavailable, WiringError
from tests.builders.desk import Desk, Note, adding, open_desk


def add_named(tx: Transaction, number: int, *, text: str) -> str:
    """A transaction function with parameters of both kinds."""
    tx.add(Note(id=number, text=text))
    return text


async def test_a_row_can_be_seen_by_everybody_as_soon_as_its_caller_has_the_answer(tables_url: str) -> None:
    unseen: list[int] = []

    async def write_and_look(number: int) -> None:
        if await desk.process.write(adding(number)) not in desk.notes():
            unseen.append(number)

    async with open_desk(tables_url) as desk:
        await asyncio.gather(*map(write_and_look, range(100)))
    assert unseen == []


async def test_arguments_of_both_kinds_arrive_and_are_committed_before_the_answer(sqlite_desk: Desk) -> None:
    assert await sqlite_desk.process.write(add_named, 1, text="one") == "one"
    assert sqlite_desk.notes() == [1]


async def test_each_caller_gets_his_own_result_or_error(sqlite_desk: Desk) -> None:
    def fail(number: int) -> None:
        raise LookupError(number)

    members = [adding(number) if number % 2 else (lambda _, number=number: fail(number)) for number in range(20)]
    answers = await sqlite_desk.in_one_batch(*members)
    assert answers[1::2] == list(range(1, 20, 2))
    assert [error.args for error in answers[::2]] == [(number,) for number in range(0, 20, 2)]


async def test_a_coroutine_writes_nothing_and_is_refused(sqlite_desk: Desk) -> None:
    async def late(tx: Transaction) -> None:
        tx.add(Note(id=1, text="never"))

    unchecked: Any = late  # mypy says so too
    with pytest.raises(WiringError, match="late is an `async def`; a transaction function is a `def`"):
        await sqlite_desk.process.write(unchecked)
    assert sqlite_desk.notes() == []


async def test_who_writes_before_the_start_is_told_how_to_start(tables_url: str) -> None:
    process = Process(tables_url)
    with pytest.raises(WiringError, match=r"has not been started: use it inside `async with running\(process\)`"):
        await process.write(add_named, 1, text="one")


async def test_progress_goes_before_new_work(sqlite_desk: Desk) -> None:
    order: list[str] = []
    async with sqlite_desk.busy():
        tasks = await sqlite_desk.hand_in(lambda _: order.append("new"))
        tasks += await sqlite_desk.hand_in(lambda _: order.append("progress"), progress=True)
    await asyncio.gather(*tasks)
    assert order == ["progress", "new"]


async def test_what_does_not_fit_into_one_commit_goes_into_the_next(sqlite_url: str) -> None:
    async with open_desk(sqlite_url, limits=Limits(batch=20)) as desk:
        await desk.in_one_batch(*map(adding, range(50)))
        assert desk.batches == [20, 20, 10]


async def test_new_work_is_refused_when_too_much_waits_and_progress_never_is(sqlite_url: str) -> None:
    async with open_desk(sqlite_url, limits=Limits(waiting=3)) as desk:
        async with desk.busy():
            waiting = await desk.hand_in(*map(adding, range(3)))
            with pytest.raises(Overloaded):
                await desk.process.write(adding(3))
            waiting += await desk.hand_in(*map(adding, range(4, 10)), progress=True)
        await asyncio.gather(*waiting)
        assert desk.notes() == [0, 1, 2, 4, 5, 6, 7, 8, 9]
        assert await desk.process.write(adding(10)) == 10


async def test_a_caller_who_leaves_does_not_take_his_write_with_him(sqlite_desk: Desk) -> None:
    async with sqlite_desk.busy():
        leaver, stayer = await sqlite_desk.hand_in(adding(1), adding(2))
        leaver.cancel()
    assert await stayer == 2
    assert leaver.cancelled()
    assert sqlite_desk.notes() == [1, 2]


async def test_a_caller_may_leave_while_his_write_is_being_committed(sqlite_desk: Desk) -> None:
    async with sqlite_desk.busy():
        (leaver,) = await sqlite_desk.hand_in(adding(1))
    async with sqlite_desk.busy():  # the batch of the one who leaves has been taken before this one
        leaver.cancel()
    assert sqlite_desk.notes() == [1]


async def test_a_caller_who_has_waited_too_long_is_told_that_nothing_was_written_and_nothing_will_be(
    sqlite_url: str,
) -> None:
    async with open_desk(sqlite_url, limits=Limits(patience_seconds=0.1)) as desk:
        async with desk.busy():
            impatient, patient = await desk.hand_in(adding(1)) + await desk.hand_in(adding(2), progress=True)
            with pytest.raises(Unavailable):
                await impatient
        assert await patient == 2
        assert desk.notes() == [2]


async def test_stopping_writes_what_was_handed_in_and_refuses_what_comes_later(sqlite_url: str) -> None:
    async with open_desk(sqlite_url) as desk:
        async with desk.busy():
            tasks = await desk.hand_in(*map(adding, range(10)))
            stopping = asyncio.create_task(desk.committer.stop())
            await asyncio.sleep(0)  # it runs up to where it waits for the thread
            with pytest.raises(Unavailable):
                await desk.committer.progress(adding(11))
        await stopping
        assert await asyncio.gather(*tasks) == list(range(10))
        assert desk.notes() == list(range(10))


async def test_the_lease_is_as_fresh_as_the_last_batch_that_has_committed(sqlite_desk: Desk) -> None:
    before = sqlite_desk.committer.renewed_at
    await sqlite_desk.process.write(adding(1))
    renewed = sqlite_desk.committer.renewed_at
    assert renewed > before
    assert sqlite_desk.process.clock.monotonic() - renewed < timedelta(seconds=15).total_seconds()
