"""A run in this worker's hands, and how it can be interrupted."""

import asyncio
from collections.abc import Container
from enum import Enum, auto
from uuid import UUID


class Interruption(Enum):
    """Why a run should not simply go on."""

    CANCELLED = auto()  # somebody wants it undone
    LEAVING = auto()  # the process ends: hand it over as it stands
    PAUSED = auto()  # nothing of its pipeline is to go on: hand it over as it stands
    LEASE_UNSURE = auto()  # the lease could not be renewed in time: somebody else may have it


class Interrupted(Exception):
    """A call to the outside was broken off; it may have happened."""

    def __init__(self, interruption: Interruption) -> None:
        super().__init__(interruption.name)
        self.interruption = interruption


class Hand:
    """Only a call to the outside is ever broken off; what the committer does always finishes."""

    def __init__(self, run_id: UUID, pipeline: str = "", pauses: Container[str] = ()) -> None:
        self.run_id = run_id
        self._pipeline = pipeline
        self._pauses = pauses
        self.interruption: Interruption | None = None
        self._is_turned = False
        self._calling: asyncio.Task[object] | None = None

    def interrupt(self, interruption: Interruption) -> None:
        """Break off the call that is under way, or keep the next one from starting."""
        if interruption is Interruption.CANCELLED:
            if self._is_turned:
                return  # old news: it is being undone, and a broken-off undo would be lost
            self.interruption = self.interruption or interruption  # who leaves hands it over, to be undone elsewhere
        else:
            self.interruption = interruption
        if self._calling is not None:
            self._calling.cancel()

    def leave(self) -> None:
        """Let the step that is under way finish, and go no further."""
        self.interruption = Interruption.LEAVING

    def pause_between_steps(self) -> None:
        """Hand the run over here if it should be; a cancellation the journal itself will tell."""
        if self.interruption in {Interruption.LEAVING, Interruption.LEASE_UNSURE}:
            raise Interrupted(self.interruption)
        if self._pipeline in self._pauses:
            raise Interrupted(Interruption.PAUSED)

    def heed_cancellation(self) -> None:
        """The run is on its way back now: its undos are not to be interrupted for the same reason."""
        self._is_turned = True
        if self.interruption is Interruption.CANCELLED:
            self.interruption = None

    def __enter__(self) -> None:
        if self.interruption is not None:  # between two steps a run is paused already; this is for cancellations
            raise Interrupted(self.interruption)
        self._calling = asyncio.current_task()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        task, self._calling = self._calling, None
        if kind is asyncio.CancelledError and self.interruption is not None and task is not None:
            task.uncancel()
            raise Interrupted(self.interruption)
