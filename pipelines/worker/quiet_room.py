"""Where a suspect is alone: all other runs of this process pause between steps until it has shown what it does.

Neither side starves the other. After each suspect the room is open for as long as it was shut; who waits for quiet in
vain waits twice as long the next time; and who is alone without an end is let out, later with each death.
"""

import asyncio
from collections.abc import Callable, Sized
from uuid import UUID

from pipelines.run import Run
from pipelines.worker.slots import Slots

PATIENCE_SECONDS = 5.0  # for steps that were in flight when the room was shut
ALONE_SECONDS = 15.0  # times two for each crash of the run
MOST_DOUBLINGS = 12


class QuietRoom:
    """Call it from the event loop only. `on_open` is told how long it stays open at least."""

    def __init__(self, slots: Slots, hands: Sized, on_open: Callable[[float], None]) -> None:
        self.is_shut = False
        self._slots = slots
        self._hands = hands
        self._on_open = on_open
        self._occupant: Run | None = None
        self._paused = 0
        self._waits_in_vain = 0
        self._shut_at = 0.0
        self._alone_since: float | None = None
        self._rested_at = 0.0
        self._opened = asyncio.Event()
        self._quiet = asyncio.Event()

    @property
    def is_free(self) -> bool:
        """Whether it may be shut again: the others have had their turn."""
        return not self.is_shut and self.rest_seconds == 0.0

    @property
    def rest_seconds(self) -> float:
        """How long the others still have to themselves."""
        return max(0.0, self._rested_at - _now())

    def shut_for(self, suspect: Run) -> None:
        """From here on nobody begins a step, and new runs are for other processes."""
        self.is_shut, self._occupant, self._shut_at = True, suspect, _now()
        self._slots.hold()
        self._opened.clear()
        self._quiet.clear()

    async def quiet(self) -> bool:
        """Whether the others have paused in time; if not, or if all are leaving, the suspect has to go elsewhere."""
        self.look_round()
        try:
            async with asyncio.timeout(PATIENCE_SECONDS * 2 ** min(self._waits_in_vain, MOST_DOUBLINGS)):
                await self._quiet.wait()
        except TimeoutError:
            self._waits_in_vain += 1
            return False
        self._waits_in_vain = 0
        return self.is_shut

    def begin(self) -> None:
        """The suspect is alone, and the journal knows it."""
        self._alone_since = _now()

    async def pause(self, run_id: UUID) -> None:
        """Return when this run may begin a step; the suspect may at once."""
        while self.is_shut and not self._is_occupied_by(run_id):
            self._paused += 1
            self.look_round()
            try:
                await self._opened.wait()
            finally:
                self._paused -= 1

    def look_round(self) -> None:
        """Somebody has paused, or gone: perhaps the suspect is alone now."""
        if self.is_shut and len(self._hands) - 1 <= self._paused:
            self._quiet.set()

    def slow(self) -> Run | None:
        """The suspect, if it has been alone for so long that the others have to go on beside it."""
        if self._occupant is None or self._alone_since is None:
            return None
        limit = ALONE_SECONDS * 2 ** min(self._occupant.crashes, MOST_DOUBLINGS)
        return self._occupant if _now() - self._alone_since > limit else None

    def leave(self, run_id: UUID) -> None:
        """This run has shown what it does, or is gone; of others it is not news."""
        if self._is_occupied_by(run_id):
            self.open()

    def open(self) -> None:
        """Let everybody go on."""
        if not self.is_shut:
            return
        rest = _now() - self._shut_at
        self.is_shut, self._occupant, self._alone_since = False, None, None
        self._rested_at = _now() + rest
        self._slots.release()
        self._opened.set()
        self._quiet.set()
        self._on_open(rest)

    def _is_occupied_by(self, run_id: UUID) -> bool:
        return self._occupant is not None and self._occupant.id == run_id


def _now() -> float:
    return asyncio.get_running_loop().time()
