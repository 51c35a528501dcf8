"""The other side of a gateway, in the hands of a test: it remembers keys, and fails as it is told."""

import asyncio
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Heard:
    """One call as it came in."""

    what: str
    key: str | None
    content: Any


@dataclass
class _Trouble:
    """What the next calls of one kind meet."""

    once: deque[Exception] = field(default_factory=deque)
    always: Exception | None = None
    lost: deque[Exception] = field(default_factory=deque)
    opened: asyncio.Event | None = None
    reached: asyncio.Event = field(default_factory=asyncio.Event)


class Outside:
    """A receiver that accepts each key once, as a good one does. Base your fakes on it.

    class FakeBank(Outside):
        async def pay(self, amount: int, *, key: str) -> None:  # as the gateway's Protocol has it
            await self.accepts("pay", amount, key=key)

    `heard` has every call; `accepted` what took effect: each key of a kind once, and each call without a key.
    """

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self.accepted: list[Heard] = []
        self._troubles: defaultdict[str, _Trouble] = defaultdict(_Trouble)

    async def accepts(self, what: str, content: Any = None, *, key: str | None = None) -> bool:
        """Take the call in; says whether it took effect now, and not under the same key before."""
        call, trouble = Heard(what, key, content), self._troubles[what]
        self.heard.append(call)
        trouble.reached.set()
        if trouble.opened is not None:
            await trouble.opened.wait()
        if trouble.once:
            raise trouble.once.popleft()
        if trouble.always is not None:
            raise trouble.always
        is_new = key is None or all((known.what, known.key) != (what, key) for known in self.accepted)
        if is_new:
            self.accepted.append(call)
        if trouble.lost:
            raise trouble.lost.popleft()
        return is_new

    def keys(self, what: str) -> set[str | None]:
        """Under how many keys this was asked for."""
        return {call.key for call in self.heard if call.what == what}

    def effects(self, what: str) -> list[Any]:
        """What of this kind took effect."""
        return [call.content for call in self.accepted if call.what == what]

    def fails(self, what: str, *errors: Exception) -> None:
        """The next calls of this kind end with these errors, one each, and nothing is accepted."""
        self._troubles[what].once.extend(errors)

    def refuses(self, what: str, error: Exception) -> None:
        """All calls of this kind end with this error from here on, and nothing is accepted."""
        self._troubles[what].always = error

    def loses_the_answer(self, what: str, *errors: Exception) -> None:
        """The next calls of this kind are accepted, and yet end with these errors, one each."""
        self._troubles[what].lost.extend(errors)

    @contextmanager
    def hangs(self, what: str) -> Iterator[asyncio.Event]:
        """Calls of this kind wait inside this block; the event says when somebody does."""
        trouble = self._troubles[what]
        trouble.opened, trouble.reached = asyncio.Event(), asyncio.Event()
        try:
            yield trouble.reached
        finally:
            trouble.opened.set()
            trouble.opened = None
