"""How much of this process each destination has to bear: calls at once, and retries for which there is a token."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from heapq import heappop, heappush
from itertools import islice

from pipelines.clock import Clock
from pipelines.destination import Destination
from pipelines.errors import Reject

SHORTEST_ASIDE_SECONDS = 0.5
LONGEST_ASIDE_SECONDS = 120.0  # how late a recovery may be noticed by a run that waits for its turn
PATIENCE_SECONDS = 0.25  # in hand, holding a slot: longer than a healthy call, shorter than anybody else should wait
LOOKS = 2  # at rooms that may be forgotten, for each that is made

Dice = Callable[[], float]


class NoRoom(Exception):
    """Not now: the run waits in the journal. No attempt was made."""

    def __init__(self, destination: str, delay: timedelta) -> None:
        super().__init__(f"{destination}: no room for {delay.total_seconds():g} s")
        self.destination = destination
        self.delay = delay


class Room:
    """What one destination bears. A token is a failing retry; the bucket holds as many as calls may go at once."""

    def __init__(
        self, destination: Destination, clock: Clock, dice: Dice = random.random, *, hall: "Room | None" = None
    ) -> None:
        self.destination = destination
        self._hall = hall
        self._clock = clock
        self._dice = dice
        self._places = asyncio.Semaphore(destination.concurrency)
        self._in_line = self._inside = 0
        self._tokens = self._most_tokens = float(destination.concurrency)
        self._filled_at = clock.now().timestamp()
        self._seconds_per_call = 0.0
        self._moved_at = clock.monotonic()  # when a call last began or ended
        self._aside: list[float] = []  # when those that were put aside are due: a heap

    async def bear(self, call: Callable[[], Awaitable[object]], *, is_retry: bool) -> object:
        """Make the call. Raises `NoRoom` before it; learns from its end how the other side is."""
        await self._enter()
        self._inside += 1
        try:
            if is_retry:
                self._take_token()
            if self._hall is None:
                return await self._made(call, is_retry=is_retry)
            return await self._within(self._hall, call, is_retry=is_retry)
        finally:
            self._inside -= 1
            self._places.release()

    def is_as_new(self) -> bool:
        """Whether nothing would be lost with it: nobody is here or aside, and all tokens are."""
        self._fill()
        return not (self._inside or self._in_line or self._those_aside()) and self._tokens == self._most_tokens

    async def _within(self, hall: "Room", call: Callable[[], Awaitable[object]], *, is_retry: bool) -> object:
        """The hall bears the calls of all rooms and counts no retries; whom it turns away has learned nothing here."""
        try:
            return await hall.bear(partial(self._made, call, is_retry=is_retry), is_retry=False)
        except NoRoom:
            self._tokens = min(self._most_tokens, self._tokens + is_retry)
            raise

    async def _made(self, call: Callable[[], Awaitable[object]], *, is_retry: bool) -> object:
        began = self._moved_at = self._clock.monotonic()
        try:
            result = await call()
        except Reject:
            self._has_answered(is_retry=is_retry)
            raise
        else:
            self._has_answered(is_retry=is_retry)
            return result
        finally:
            self._moved_at = self._clock.monotonic()
            self._seconds_per_call += 0.1 * (self._moved_at - began - self._seconds_per_call)

    async def _enter(self) -> None:
        """A short wait in hand evens out a healthy rush; whoever would wait for a sick one goes to the journal."""
        if not self._places.locked():
            await self._places.acquire()
            return
        if self._is_slow():
            raise self._no_room(per_second=self._calls_per_second())
        self._in_line += 1
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._places.acquire()
        except TimeoutError:
            raise self._no_room(per_second=self._calls_per_second()) from None
        finally:
            self._in_line -= 1

    def _is_slow(self) -> bool:
        """Whether a wait in line would be too long: nothing has moved for a while, or all that waits takes its time."""
        is_stuck = self._clock.monotonic() - self._moved_at > PATIENCE_SECONDS
        return is_stuck or (self._in_line + 1) / self._calls_per_second() > PATIENCE_SECONDS

    def _calls_per_second(self) -> float:
        return self.destination.concurrency / max(self._seconds_per_call, 0.001)

    def _take_token(self) -> None:
        self._fill()
        if self._tokens < 1:
            raise self._no_room(per_second=self.destination.retries_per_second)
        self._tokens -= 1

    def _has_answered(self, *, is_retry: bool) -> None:
        """A retry that got through was no burden, and gives its token back: so a recovery is used at once."""
        self._tokens = min(self._most_tokens, self._tokens + self.destination.retry_share + is_retry)

    def _fill(self) -> None:
        """By the wall clock, which a test may move; one that jumps gives a bucketful, or nothing, once."""
        now = self._clock.now().timestamp()
        passed, self._filled_at = max(0.0, now - self._filled_at), now
        self._tokens = min(self._most_tokens, self._tokens + passed * self.destination.retries_per_second)

    def _no_room(self, *, per_second: float) -> NoRoom:
        """Spread over the time that it takes to serve all who wait, so that they do not come back together."""
        span = min(self._those_aside() / per_second, LONGEST_ASIDE_SECONDS)
        delay = SHORTEST_ASIDE_SECONDS + span * self._dice()
        heappush(self._aside, self._clock.now().timestamp() + delay)
        return NoRoom(self.destination.name, timedelta(seconds=delay))

    def _those_aside(self) -> int:
        now = self._clock.now().timestamp()
        while self._aside and self._aside[0] <= now:
            heappop(self._aside)
        return len(self._aside)


class Rooms:
    """One room for each destination that is called from here."""

    def __init__(self, clock: Clock, *, slots: int, dice: Dice = random.random) -> None:
        self._clock = clock
        self._slots = slots
        self._dice = dice
        self._single: dict[str, Room] = {}
        self._of_many: dict[tuple[str, str], Room] = {}

    def __len__(self) -> int:
        return len(self._single) + len(self._of_many)

    def of(self, destination: Destination, payload: object) -> Room:
        """Made when it is first asked for; `payload` says which of many it is."""
        if destination.each is None:
            return self._alone(destination, destination.concurrency)
        name = (destination.name, destination.each(payload))
        room = self._of_many.get(name)
        if room is None:
            self._forget_some()
            hall = self._alone(destination, max(1, int(self._slots * destination.share_of_slots)))
            room = self._of_many[name] = Room(destination, self._clock, self._dice, hall=hall)
        return room

    def _alone(self, destination: Destination, concurrency: int) -> Room:
        room = self._single.get(destination.name)
        if room is None:
            sized = replace(destination, concurrency=concurrency)
            room = self._single[destination.name] = Room(sized, self._clock, self._dice)
        return room

    def _forget_some(self) -> None:
        """Two go for each that comes, if there is nothing to know of them: so there are no more than have to be."""
        for name in list(islice(self._of_many, LOOKS)):
            room = self._of_many.pop(name)
            if not room.is_as_new():
                self._of_many[name] = room  # behind all others
