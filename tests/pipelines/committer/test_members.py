"""The queue: two lanes, an end, and members that may be withdrawn while nothing of them has been sent."""

import asyncio
from collections.abc import Iterable

import pytest

from pipelines import Overloaded, Unavailable
from pipelines.committer.members import Member, Queue


def queue_of(*members: Member, longest: int = 10) -> Queue:
    queue = Queue(longest)
    for member in members:
        queue.put(member, progress=False)
    return queue


@pytest.fixture
def members() -> Iterable[list[Member]]:
    loop = asyncio.new_event_loop()
    yield [Member(lambda _: None, (), loop.create_future(), None) for _ in range(4)]
    loop.close()


def test_progress_is_taken_first_and_each_lane_in_its_own_order(members: list[Member]) -> None:
    new, later, progress, more = members
    queue = queue_of(new, later)
    queue.put(progress, progress=True)
    queue.put(more, progress=True)
    assert queue.take(3) == [progress, more, new]
    assert queue.take(3) == [later]


def test_only_new_work_is_refused_by_a_full_queue(members: list[Member]) -> None:
    queue = queue_of(members[0], longest=1)
    with pytest.raises(Overloaded):
        queue.put(members[1], progress=False)
    queue.put(members[2], progress=True)
    assert len(queue) == 2


def test_a_withdrawn_member_is_never_taken(members: list[Member]) -> None:
    queue = queue_of(*members)
    assert queue.withdraw(members[1])
    assert queue.take(10) == [members[0], *members[2:]]


def test_a_member_that_was_taken_cannot_be_withdrawn(members: list[Member]) -> None:
    queue = queue_of(*members)
    queue.take(10)
    assert not queue.withdraw(members[0])


def test_a_member_that_is_held_back_may_be_withdrawn_and_is_then_not_sent_again(members: list[Member]) -> None:
    queue = queue_of(*members)
    taken = queue.take(10)
    queue.hold_back(taken)
    assert queue.withdraw(members[2])
    assert queue.take_again(taken) == [*members[:2], members[3]]
    assert not queue.withdraw(members[0])


def test_a_closed_queue_gives_what_it_has_and_takes_nothing(members: list[Member]) -> None:
    queue = queue_of(*members[:3])
    queue.close()
    for progress in (False, True):
        with pytest.raises(Unavailable):
            queue.put(members[3], progress=progress)
    assert queue.take(2) == members[:2]
    assert queue.take(2) == members[2:3]
    assert queue.take(2) == []
