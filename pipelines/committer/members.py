"""Callers in a queue: progress of runs goes before new work, and the queue has an end."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from pipelines.errors import Overloaded, Unavailable


class Place(Enum):
    QUEUED = auto()  # nothing of it has been sent
    TAKEN = auto()  # in a batch that may commit
    WITHDRAWN = auto()  # its caller has been told that nothing was written


@dataclass(slots=True, eq=False)
class Member:
    """One caller's transaction function, and the future its caller waits for."""

    function: Callable[..., Any]
    args: tuple[Any, ...]
    future: asyncio.Future[Any]
    deadline: float | None
    origin: str | None = None
    place: Place = field(default=Place.QUEUED)


class Queue:
    """Two lanes with one lock; the committer's thread sleeps on it."""

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._progress: deque[Member] = deque()
        self._new: deque[Member] = deque()
        self._something = threading.Condition()
        self._closed = False

    def put(self, member: Member, *, progress: bool) -> None:
        """Append; new work is refused when too much waits, progress of what was accepted never is."""
        with self._something:
            if self._closed:
                raise Unavailable("This process is stopping.")
            if not progress and len(self._new) >= self._longest:
                raise Overloaded("Too much is waiting to be written.")
            (self._progress if progress else self._new).append(member)
            self._something.notify()

    def take(self, most: int) -> list[Member]:
        """All that has queued up, progress first; waits for something; empty only when closed and drained."""
        with self._something:
            while True:
                batch = [self._next() for _ in range(min(most, len(self._progress) + len(self._new)))]
                batch = [member for member in batch if member.place is Place.QUEUED]
                for member in batch:
                    member.place = Place.TAKEN
                if batch or self._closed:
                    return batch
                self._something.wait()

    def _next(self) -> Member:
        return (self._progress or self._new).popleft()

    def hold_back(self, members: list[Member]) -> None:
        """Nothing of these is on its way any more: until they are sent again, their callers may give up."""
        with self._something:
            for member in members:
                member.place = Place.QUEUED

    def take_again(self, members: list[Member]) -> list[Member]:
        """Those whose callers still wait, about to be sent again."""
        with self._something:
            waiting = [member for member in members if member.place is Place.QUEUED]
            for member in waiting:
                member.place = Place.TAKEN
            return waiting

    def withdraw(self, member: Member) -> bool:
        """True: nothing of it was written, nor will be. False: it is in a batch that may commit."""
        with self._something:
            if member.place is Place.TAKEN:
                return False
            member.place = Place.WITHDRAWN
            return True

    def close(self) -> None:
        """Refuse what comes; what is here is still taken."""
        with self._something:
            self._closed = True
            self._something.notify()

    @property
    def is_closed(self) -> bool:
        return self._closed

    def __len__(self) -> int:
        return len(self._progress) + len(self._new)
