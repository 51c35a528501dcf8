"""Where there are many of a destination: what all of them bear together, and which of them are forgotten."""

import asyncio

import pytest

from pipelines import Destination
from pipelines.worker.rooms import NoRoom, Room, Rooms
from tests.pipelines.worker.test_rooms import DOWN, StillClock, fails, move, retries_that_fail, succeeds

ENDPOINTS = Destination("endpoints", concurrency=4, each=str, share_of_slots=0.25)


def rooms_of(slots: int) -> Rooms:
    return Rooms(StillClock(), slots=slots, dice=lambda: 1.0)


async def hanging(room: Room, *, is_retry: bool = False) -> asyncio.Task[object]:
    call = asyncio.create_task(room.bear(asyncio.Event().wait, is_retry=is_retry))
    await asyncio.sleep(0)
    return call


async def ended(*calls: asyncio.Task[object]) -> None:
    for call in calls:
        call.cancel()
    await asyncio.wait(calls)


@pytest.mark.parametrize(("slots", "most"), [(40, 10), (8, 2), (1, 1)])
async def test_all_together_hold_their_share_of_the_slots_at_most(slots: int, most: int) -> None:
    rooms = rooms_of(slots)
    calls = [await hanging(rooms.of(ENDPOINTS, place)) for place in range(most)]
    with pytest.raises(NoRoom, match="endpoints"):
        await rooms.of(ENDPOINTS, "another").bear(succeeds, is_retry=False)
    assert await rooms.of(Destination("mail"), None).bear(succeeds, is_retry=False) is None
    await ended(calls.pop())
    await rooms.of(ENDPOINTS, "another").bear(succeeds, is_retry=False)
    await ended(*calls, await hanging(rooms.of(ENDPOINTS, "another")))


async def test_each_has_its_own_limit_within_that_of_all() -> None:
    rooms = rooms_of(400)
    calls = [await hanging(rooms.of(ENDPOINTS, "dead")) for _ in range(4)]
    with pytest.raises(NoRoom):
        await rooms.of(ENDPOINTS, "dead").bear(succeeds, is_retry=False)
    await rooms.of(ENDPOINTS, "alive").bear(succeeds, is_retry=False)
    await ended(*calls)


async def test_who_is_turned_away_because_of_the_others_keeps_its_token() -> None:
    rooms = rooms_of(4)
    call = await hanging(rooms.of(ENDPOINTS, "dead"))
    for _ in range(8):
        with pytest.raises(NoRoom):
            await rooms.of(ENDPOINTS, "alive").bear(succeeds, is_retry=True)
    await ended(call)
    assert await retries_that_fail(rooms.of(ENDPOINTS, "alive")) == 4


async def test_rooms_that_nobody_is_in_are_forgotten() -> None:
    rooms = rooms_of(400)
    for place in range(1000):
        await rooms.of(ENDPOINTS, place).bear(succeeds, is_retry=False)
    assert len(rooms) <= 3


async def test_a_room_that_knows_something_is_kept_until_that_is_old() -> None:
    rooms = rooms_of(400)
    call = await hanging(rooms.of(ENDPOINTS, "busy"))
    busy, sick = rooms.of(ENDPOINTS, "busy"), rooms.of(ENDPOINTS, "sick")
    with pytest.raises(type(DOWN)):
        await sick.bear(fails, is_retry=True)
    for place in range(50):
        rooms.of(ENDPOINTS, place)
    assert (rooms.of(ENDPOINTS, "busy"), rooms.of(ENDPOINTS, "sick")) == (busy, sick)
    await ended(call)
    move(sick, 3600)  # all rooms have the same clock
    for place in range(50):
        rooms.of(ENDPOINTS, place)
    assert rooms.of(ENDPOINTS, "busy") is not busy
    assert rooms.of(ENDPOINTS, "sick") is not sick


async def test_the_room_of_one_alone_is_kept() -> None:
    rooms, mail = rooms_of(400), Destination("mail")
    first = rooms.of(mail, None)
    for place in range(50):
        rooms.of(ENDPOINTS, place)
    assert rooms.of(mail, None) is first
