"""What a destination has to bear: so many calls at once, and retries for which there is a token."""

import asyncio
import random
from collections import Counter
from datetime import timedelta
from heapq import heapify, heappop, heappush

import pytest

from pipelines import Destination, Reject, Retry, Tried, WiringError
from pipelines.testing import VirtualClock
from pipelines.worker import rooms
from pipelines.worker.rooms import LONGEST_ASIDE_SECONDS, NoRoom, Room

DOWN = OSError("down")
HALF_AN_HOUR = 30 * 60.0


class StillClock(VirtualClock):
    """Stands still but when the test moves it."""

    def __init__(self) -> None:
        super().__init__()
        self._began = super().now()

    def now(self):  # type: ignore[no-untyped-def] # noqa: ANN201 - as above it
        return self._began + timedelta(seconds=self.skew_seconds)

    def monotonic(self) -> float:
        return self.skew_seconds


def a_room(*, dice: float = 1.0, **figures: float) -> Room:
    return Room(Destination("warehouse", **figures), StillClock(), lambda: dice)  # type: ignore[arg-type]


def move(room: Room, seconds: float) -> None:
    room._clock.advance(timedelta(seconds=seconds))  # type: ignore[attr-defined]


async def succeeds() -> object:
    return None


async def fails() -> object:
    raise DOWN


async def refuses() -> object:
    raise Reject("no")


async def retries_that_fail(room: Room) -> int:
    """How many there is room for, right now."""
    for count in range(100):
        try:
            await room.bear(fails, is_retry=True)
        except NoRoom:
            return count
        except OSError:
            continue
    return 100


async def test_no_more_calls_than_that_at_once_and_a_rush_stands_in_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rooms, "PATIENCE_SECONDS", 60.0)
    room, opened, under_way = a_room(concurrency=3), asyncio.Event(), Counter[str]()

    async def call() -> object:
        under_way["now"] += 1
        under_way["most"] = max(under_way["most"], under_way["now"])
        await opened.wait()
        under_way["now"] -= 1
        return "done"

    calls = [asyncio.create_task(room.bear(call, is_retry=False)) for _ in range(40)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    opened.set()
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert answers == ["done"] * 40
    assert under_way["most"] == 3


async def test_nobody_waits_in_hand_for_a_call_that_hangs() -> None:
    room, never = a_room(concurrency=1), asyncio.Event()
    hanging = asyncio.create_task(room.bear(never.wait, is_retry=False))
    await asyncio.sleep(0)
    with pytest.raises(NoRoom):
        await room.bear(succeeds, is_retry=False)
    hanging.cancel()
    await asyncio.wait([hanging])
    await room.bear(succeeds, is_retry=False)  # its place is free again


@pytest.mark.parametrize("is_stuck", [True, False], ids=["stuck", "slow"])
async def test_where_the_line_does_not_move_nobody_stands_in_it(*, is_stuck: bool) -> None:
    room, never = a_room(concurrency=1), asyncio.Event()

    async def takes_long() -> object:
        move(room, 30)
        return None

    if not is_stuck:
        await room.bear(takes_long, is_retry=False)
    calls = [asyncio.create_task(room.bear(never.wait, is_retry=False))]
    await asyncio.sleep(0)
    if is_stuck:
        move(room, 1)
    calls.append(asyncio.create_task(room.bear(succeeds, is_retry=False)))
    await asyncio.sleep(0)
    assert [call.done() for call in calls] == [False, True]
    calls[0].cancel()
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert isinstance(answers[1], NoRoom)


async def test_a_first_attempt_needs_no_token() -> None:
    room = a_room(concurrency=2)
    assert await retries_that_fail(room) == 2
    await room.bear(succeeds, is_retry=False)


async def test_a_token_comes_with_time_up_to_a_bucketful() -> None:
    room = a_room(concurrency=5, retries_per_second=0.5)
    await retries_that_fail(room)
    move(room, 6)
    assert await retries_that_fail(room) == 3
    move(room, 1e6)
    assert await retries_that_fail(room) == 5


async def test_a_clock_that_jumps_back_takes_nothing_and_gives_nothing() -> None:
    room = a_room(concurrency=5, retries_per_second=1)
    await retries_that_fail(room)
    move(room, -1e6)
    assert await retries_that_fail(room) == 0
    move(room, 2)
    assert await retries_that_fail(room) == 2


@pytest.mark.parametrize(("call", "gained"), [(succeeds, 3), (refuses, 3), (fails, 0)])
async def test_a_share_of_a_token_comes_with_each_call_that_is_answered(call, gained: int) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001
    room = a_room(concurrency=5, retry_share=0.1)
    await retries_that_fail(room)
    for _ in range(31):
        await asyncio.gather(room.bear(call, is_retry=False), return_exceptions=True)
    assert await retries_that_fail(room) == gained


async def test_a_retry_that_succeeds_gives_its_token_back() -> None:
    room = a_room(concurrency=1, retry_share=0)
    for _ in range(10):
        await room.bear(succeeds, is_retry=True)
    assert await retries_that_fail(room) == 1


async def test_those_put_aside_are_spread_over_the_time_until_there_is_a_token() -> None:
    room = a_room(concurrency=1, retries_per_second=2)
    await retries_that_fail(room)  # the last of them is aside now
    delays = [await delay_of(room) for _ in range(300)]
    assert delays[:3] == [1.0, 1.5, 2.0]
    assert max(delays) == LONGEST_ASIDE_SECONDS + 0.5


async def test_those_who_have_come_back_are_no_longer_aside() -> None:
    room = a_room(concurrency=1, retries_per_second=0.0001)
    await retries_that_fail(room)
    await delay_of(room)
    move(room, 2 * LONGEST_ASIDE_SECONDS)
    assert await delay_of(room) == 0.5


async def delay_of(room: Room) -> float:
    with pytest.raises(NoRoom) as full:
        await room.bear(succeeds, is_retry=True)
    return full.value.delay.total_seconds()


@pytest.mark.parametrize(
    "figures",
    [
        {"concurrency": 0},
        {"retries_per_second": 0},
        {"retry_share": -0.1},
        {"share_of_slots": 0},
        {"share_of_slots": 1.1},
    ],
)
def test_a_destination_that_nobody_could_call_is_refused(figures: dict[str, float]) -> None:
    with pytest.raises(WiringError, match="warehouse"):
        Destination("warehouse", **figures)  # type: ignore[arg-type]


async def test_an_outage_of_half_an_hour_ends_in_no_storm() -> None:
    """3,000 orders come while the warehouse is down; 100 a minute, and a retry a second at most, is what it hears."""
    arrivals = [HALF_AN_HOUR * place / 3000 for place in range(3000)]
    calls, done = await outage(Destination("warehouse", concurrency=20), arrivals, until=HALF_AN_HOUR)
    per_minute = Counter(int(at // 60) for at in calls)
    assert max(per_minute[minute] for minute in range(30)) <= 100 + 60 + 20
    assert len(done) == 3000
    assert max(done) < HALF_AN_HOUR + 10 * 60  # drained
    assert max(Counter(int(at) for at in calls if at > HALF_AN_HOUR).values()) < 200  # a second, of 3,000 that waited


async def outage(destination: Destination, arrivals: list[float], *, until: float) -> tuple[list[float], list[float]]:
    """When calls were made, and when each run was done, with the retries that orders have."""
    random.seed(1)
    clock = StillClock()
    room, retry = Room(destination, clock), Retry(on=(OSError,), attempts=999)
    calls, done = list[float](), list[float]()

    async def call() -> object:
        calls.append(clock.skew_seconds)
        if clock.skew_seconds < until:
            raise DOWN
        return None

    due = [(at, place, 0) for place, at in enumerate(arrivals)]
    heapify(due)
    while due:
        at, place, attempt = heappop(due)
        clock.skew_seconds = max(at, clock.skew_seconds)
        try:
            await room.bear(call, is_retry=attempt > 0)
            done.append(clock.skew_seconds)
        except NoRoom as full:
            heappush(due, (clock.skew_seconds + full.delay.total_seconds(), place, attempt))
        except OSError as error:
            delay = retry.drawn_delay(error, Tried(attempt + 1)).total_seconds()
            heappush(due, (clock.skew_seconds + delay, place, attempt + 1))
    return calls, done
