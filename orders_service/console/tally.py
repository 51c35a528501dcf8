"""When the runs of a pipeline ended during the last hour, as far as this process has read it in the journal.

What has been read is kept, so that looking again costs what has ended since. At first the hour is read backwards, part
by part. A tick that is over is read once more, for whoever commits late, and then no more.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeAlias
from uuid import UUID

from pipelines import EndedRuns, ReadSession, RunState, died_runs, ended_runs

MINUTES = 60
MOST_GAP_SECONDS = 60
_MINUTE = 60
_DEAD = {RunState.FAILED, RunState.QUARANTINED}
_CLOCKS_DIFFER_BY = timedelta(minutes=1)  # what ended is written by the clock of the process in which it did

Key: TypeAlias = tuple[int, RunState]


@dataclass(frozen=True, slots=True)
class Minute:
    """How many runs ended in a minute of the clock, and how many of them are dead letters."""

    ended: int
    dead: int


class Tally:
    """One pipeline's."""

    def __init__(self, pipeline: str, now: datetime) -> None:
        self._pipeline = pipeline
        self._counts: dict[Key, int] = {}
        self._died: dict[Key, int] = {}
        self._began = self._open_since = _tick_of(now) - EndedRuns.tick_seconds
        self._reached: UUID | None = None
        self.is_whole = False  # whether the hour has been read to its beginning

    def is_stale(self, now: datetime) -> bool:
        """Whether nobody has looked for so long that reading the hour afresh is less work."""
        return _tick_of(now) - self._open_since > MOST_GAP_SECONDS

    def read_on(self, session: ReadSession, now: datetime, *, has_dead_letters: bool) -> None:
        """What has ended since the last time, and all dead letters of the hour."""
        oldest, until = _oldest(now), now + _CLOCKS_DIFFER_BY
        lately = ended_runs(session, self._pipeline, _moment(self._open_since), until)
        died = died_runs(session, self._pipeline, _moment(oldest), until) if has_dead_letters else {}
        closed = {key: count for key, count in self._counts.items() if oldest <= key[0] < self._open_since}
        self._counts, self._died = closed | dict(lately.counts), died
        self._open_since = max(self._open_since, _tick_of(now) - EndedRuns.tick_seconds)

    def read_back(self, session: ReadSession, now: datetime) -> None:
        """One more part of what had ended before this process began to look."""
        if self.is_whole:
            return
        oldest, began = _moment(_oldest(now)), _moment(self._began)
        earlier = ended_runs(session, self._pipeline, oldest, began, before=self._reached)
        self._counts = dict(Counter(self._counts) + Counter(earlier.counts))
        self._reached, self.is_whole = earlier.reached, earlier.reached is None

    def minutes(self, now: datetime) -> tuple[Minute, ...]:
        """The last hour by minutes of the clock; the last of them is not over yet."""
        oldest, whole = _oldest(now), self._whole()
        ended, dead = [0] * MINUTES, [0] * MINUTES
        for (tick, state), count in whole.items():
            place = (tick - oldest) // _MINUTE
            if place >= 0:
                ended[min(place, MINUTES - 1)] += count
                dead[min(place, MINUTES - 1)] += count if state in _DEAD else 0
        return tuple(Minute(*each) for each in zip(ended, dead, strict=True))

    def last_minute(self, now: datetime) -> int:
        """How many ended during the sixty seconds before now."""
        first = _tick_of(now) + EndedRuns.tick_seconds - _MINUTE
        return sum(count for (tick, _), count in self._whole().items() if tick >= first)

    def _whole(self) -> dict[Key, int]:
        """A dead letter that took long to die is found among dead letters alone, one that was retried since is not."""
        return {key: max(self._counts.get(key, 0), self._died.get(key, 0)) for key in {*self._counts, *self._died}}


def _tick_of(moment: datetime) -> int:
    second = int(moment.timestamp())
    return second - second % EndedRuns.tick_seconds


def _oldest(now: datetime) -> int:
    second = int(now.timestamp())
    return second - second % _MINUTE - (MINUTES - 1) * _MINUTE


def _moment(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)
