"""Runs that somebody names are claimed by their ids: what arrives together, in one statement of one COMMIT."""

import asyncio
from collections import deque
from collections.abc import Collection
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from pipelines.errors import JournalError
from pipelines.events import Events, WakeUpHeard
from pipelines.worker.slots import Slots
from pipelines.worker.worker import MOST_AT_ONCE, Worker


class Heard(StrEnum):
    """What became of a wake-up that somebody brought."""

    TAKEN = "taken"
    LEFT = "left"  # somebody has it, it is not due, it has ended, or nobody here knows it
    FULL = "full"  # no slot is free: whoever has one finds it


class Named(NamedTuple):
    """A run that somebody waits for, to hear whether it is taken."""

    run_id: UUID
    answer: asyncio.Future[Heard]


class Taking:
    """Call it from the event loop only."""

    def __init__(self, worker: Worker, slots: Slots, events: Events) -> None:
        self._worker = worker
        self._slots = slots
        self._events = events
        self._waiting: deque[Named] = deque()
        self._is_claiming = False

    async def take(self, run_id: UUID) -> bool:
        """Carry this run on here, if it is due and nobody's and there is a slot. Whether it was taken.

        Harmless whatever the id: what is owned, has ended, waits, is unknown or of a version that this process does not
        know is left alone. Asks the journal nothing when there is no slot, or the run is here already.
        """
        heard = await self._heard(run_id)
        self._events.emit(WakeUpHeard(heard))
        return heard is Heard.TAKEN

    async def _heard(self, run_id: UUID) -> Heard:
        if run_id in self._worker.hands:
            return Heard.LEFT
        if not self._slots.is_any_free:  # full, draining, or making way for a suspect
            return self._full()
        answer: asyncio.Future[Heard] = asyncio.get_running_loop().create_future()
        self._waiting.append(Named(run_id, answer))
        if not self._is_claiming:
            self._is_claiming = True
            claiming = self._worker.look_after(self._claim_all(), name="claim by name")
            claiming.add_done_callback(self._end)  # no `finally`: a task that is cancelled early never begins
        return await answer

    async def _claim_all(self) -> None:
        while self._waiting:
            await self._claim([self._waiting.popleft() for _ in range(min(len(self._waiting), MOST_AT_ONCE))])

    def _end(self, _: asyncio.Task[None]) -> None:
        self._is_claiming = False
        _answer(self._waiting, ())
        self._waiting.clear()

    async def _claim(self, named: list[Named]) -> None:
        """Whoever is told no has lost nothing: the sweep finds the run."""
        slots = self._slots.take_up_to(len(named))  # now, not when they came: none is held while a COMMIT is waited for
        taken: set[UUID] = set()
        try:
            if slots:
                taken = await self._worker.claim_these([each.run_id for each in named[:slots]], slots)
        except JournalError:
            pass
        finally:
            _answer(named[:slots], taken)
            if len(named) > slots:
                _answer(named[slots:], (), otherwise=self._full())

    def _full(self) -> Heard:
        self._worker.look()  # when there is a slot again: its sweep alone would be late
        return Heard.FULL


def _answer(named: Collection[Named], taken: Collection[UUID], *, otherwise: Heard = Heard.LEFT) -> None:
    for run_id, answer in named:
        if not answer.done():
            answer.set_result(Heard.TAKEN if run_id in taken else otherwise)
