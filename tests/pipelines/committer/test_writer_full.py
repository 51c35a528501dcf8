"""A disk that is full refuses writes, and nothing else; writing resumes by itself."""

import pytest
from sqlalchemy import text

from pipelines import StorageFull, Transaction
from tests.builders.desk import Desk, adding

MANY = [adding(number, "x" * 20) for number in range(200)]  # they fill more than a page


def leave_room_for(tx: Transaction, pages: int) -> None:
    """The file may grow by so much."""
    size = tx.execute(text("PRAGMA page_count")).scalar_one()
    tx.execute(text(f"PRAGMA max_page_count = {size + pages}"))


@pytest.fixture
async def desk(sqlite_desk: Desk) -> Desk:
    """There is a note, and no room for more than a few others."""
    await sqlite_desk.process.write(adding(1000))
    await sqlite_desk.process.write(leave_room_for, 0)
    return sqlite_desk


async def test_a_batch_for_which_there_is_no_room_is_refused_and_leaves_nothing(desk: Desk) -> None:
    answers = await desk.in_one_batch(*MANY)
    assert {type(answer) for answer in answers} == {StorageFull}
    assert desk.notes() == [1000]


async def test_progress_is_told_too_so_that_its_owner_may_try_again(desk: Desk) -> None:
    answers = await desk.in_one_batch(*MANY, progress=True)
    assert {type(answer) for answer in answers} == {StorageFull}


async def test_writing_resumes_by_itself_when_there_is_room(desk: Desk) -> None:
    await desk.in_one_batch(*MANY)
    await desk.process.write(leave_room_for, 100)
    assert await desk.in_one_batch(*MANY) == list(range(200))
    assert desk.notes() == [*range(200), 1000]
    assert desk.process.failed is None
