"""Schedules fire: each process looks when the next tick is due, and the journal has one of them start it."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import Engine

from pipelines.clock import Clock
from pipelines.committer import Committer
from pipelines.errors import JournalError, StateConflict
from pipelines.events import Events, TickFailed, TicksFired
from pipelines.journal import ticks
from pipelines.schedule import Due, Row, Schedule
from pipelines.transaction import ReadSession
from pipelines.worker.upkeep import Duty

LONGEST_SLEEP = timedelta(seconds=5)  # the clock may be set, and somebody may resume a schedule elsewhere


class Ticker:
    """Fires what is due of these schedules."""

    def __init__(
        self,
        schedules: Mapping[str, Schedule[Any]],
        committer: Committer,
        readers: Engine,
        clock: Clock,
        events: Events,
    ) -> None:
        self._schedules = schedules
        self._committer = committer
        self._readers = readers
        self._clock = clock
        self._events = events

    @property
    def duty(self) -> Duty:
        return Duty(self.look)

    async def look(self) -> timedelta:
        """Fire what is due, and say how long nothing else will be; at most so long, for plans change."""
        wait = await self.fire_due()
        return min(wait, LONGEST_SLEEP) if wait is not None else LONGEST_SLEEP

    async def fire_due(self) -> timedelta | None:
        """Fire what is due now, and say how long it is to the next tick, if there is one."""
        if not self._schedules:
            return None
        seen, due = await asyncio.to_thread(self._read)
        for name, found in due.items():
            await self._fire(self._schedules[name], seen.rows.get(name), found)
        planned = {name: row.next_fire_at for name, row in seen.rows.items()}
        planned |= {name: found.next_fire_at for name, found in due.items()}
        waits = [at - seen.now for at in planned.values() if at is not None]
        return max(min(waits), timedelta(0)) if waits else None

    def _read(self) -> tuple[ticks.Seen, dict[str, Due]]:
        """What is due is found out in this thread: after a long time down there may be much to calculate."""
        with ReadSession(self._readers) as session:
            seen = ticks.look(session, self._schedules, self._clock.skew_seconds)
        found = {name: each.due(seen.rows.get(name), seen.now) for name, each in self._schedules.items()}
        return seen, {name: due for name, due in found.items() if due is not None}

    async def _fire(self, schedule: Schedule[Any], seen: Row | None, due: Due) -> None:
        try:
            if seen is None:
                await self._committer.progress(ticks.register, schedule, due.next_fire_at)
            else:
                fired = [(at, schedule.input_at(at)) for at in due.ticks]
                if started := await self._committer.progress(ticks.fire, schedule, seen, fired, due.next_fire_at):
                    self._events.emit(TicksFired(schedule.name, len(started)))
        except StateConflict:
            pass  # somebody else was faster
        except JournalError:
            raise
        except Exception as error:  # noqa: BLE001 - the application makes the input: its failure must not stop the others
            self._events.emit(TickFailed(schedule.name, f"{type(error).__name__}: {error}"))
