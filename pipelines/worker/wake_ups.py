"""Wake-ups for other processes: what was made ready here and is not taken here is told to a carrier, if any."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol
from uuid import UUID

from pipelines.events import Event, Events
from pipelines.journal import RunGoesOn, RunIsReady
from pipelines.run import Priority
from pipelines.worker.slots import Slots
from pipelines.worker.worker import Worker


class Carrier(Protocol):
    """Brings wake-ups to workers in other processes. They are hints: a carrier may lose, double and delay them.

    None of its methods raises, and but for `close` none waits: they are called on the event loop.
    """

    def open(self, tell: Callable[[Event], None]) -> None:
        """Begin. `tell` may be called from any thread, with `WakeUpsSent` and `CarrierChanged`."""

    def wake(self, run_id: UUID, priority: Priority) -> None:
        """Tell some worker that this run is on disk, due, and nobody's."""

    def close(self) -> None:
        """Send what is still here if that takes no time, and end. Called in a thread, and may wait a little."""


class WakeUps:
    """Passes on what a COMMIT of this process made ready.

    Only what costs no question: runs that are started, or retried by a person. What is freed otherwise is found by the
    sweeps of all workers within a second: what a process hands over when it leaves or dies (a lease is longer than a
    sweep), what is cancelled while nobody has it, what a resumed pipeline has piled up, whose turn has come in a line
    (the one who ended the run before has a slot free, and looks), and what becomes due later.
    """

    def __init__(self, carrier: Carrier | None, worker: Worker, slots: Slots, events: Events) -> None:
        self._carrier = carrier
        self._worker = worker
        self._slots = slots
        self._events = events

    def open(self) -> None:
        """Call it on the event loop of the process."""
        if self._carrier is not None:
            self._carrier.open(partial(_tell, asyncio.get_running_loop(), self._events))

    async def close(self) -> None:
        if self._carrier is not None:
            await asyncio.to_thread(self._carrier.close)

    def pass_on(self, news: Sequence[object]) -> None:
        """Call it when the worker has heard the news."""
        if self._carrier is None:
            return
        for item in news:
            match item:
                case RunIsReady(is_due=True) | RunGoesOn(is_due=True) if not self._is_kept(item.pipeline, item.version):
                    self._carrier.wake(item.run_id, item.priority)
                case _:
                    pass

    def _is_kept(self, pipeline: str, version: str) -> bool:
        """Whether this very worker claims it at once, or nobody may take it now."""
        if pipeline in self._worker.pauses:
            return True
        return self._slots.is_any_free and (pipeline, version) in self._worker.known


def _tell(loop: asyncio.AbstractEventLoop, events: Events, event: Event) -> None:
    """From the carrier's thread to those who hear events; a loop that is gone has nobody to tell."""
    if not loop.is_closed():
        loop.call_soon_threadsafe(events.emit, event)
