"""What is on the overview, before it is HTML."""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from orders_service.console.tally import Minute, Tally
from pipelines import Glance, PipelinePause, RunState

LATELY_MINUTES = 5
LATE = timedelta(minutes=1)
_DEAD = (RunState.FAILED, RunState.QUARANTINED)


@dataclass(frozen=True, slots=True)
class Line:
    """How one pipeline stands, and its last hour."""

    name: str
    minutes: tuple[Minute, ...]
    last_minute: int
    open: Mapping[RunState, int]
    dead: int
    oldest_ready: datetime | None
    paused: PipelinePause | None
    is_known: bool  # to this release

    @property
    def key(self) -> str:
        """Its name for events and elements, which take no blanks and commas."""
        return hashlib.blake2s(self.name.encode(), digest_size=6).hexdigest()

    @property
    def ended(self) -> int:
        return sum(each.ended for each in self.minutes)

    @property
    def died(self) -> int:
        return sum(each.dead for each in self.minutes)

    @property
    def is_quiet(self) -> bool:
        """Nothing happened, nothing is about to, and nobody need do anything."""
        return not (self.ended or self.open or self.dead or self.paused)


@dataclass(frozen=True, slots=True)
class Overview:
    """All pipelines at a glance. `is_old` when the database did not answer since; `is_whole` when all was read."""

    at: datetime
    lines: tuple[Line, ...]
    live: int
    draining: int
    working: int
    is_whole: bool
    is_old: bool = False

    @property
    def busy(self) -> tuple[Line, ...]:
        return tuple(each for each in self.lines if not each.is_quiet)

    @property
    def quiet(self) -> tuple[Line, ...]:
        return tuple(each for each in self.lines if each.is_quiet)

    @property
    def open(self) -> int:
        return sum(sum(each.open.values()) for each in self.lines)

    @property
    def waiting(self) -> int:
        return sum(each.open.get(RunState.WAITING, 0) for each in self.lines)

    @property
    def dead(self) -> int:
        return sum(each.dead for each in self.lines)

    @property
    def ended_lately(self) -> int:
        return sum(minute.ended for each in self.lines for minute in each.minutes[-LATELY_MINUTES:])

    @property
    def died_lately(self) -> int:
        return sum(minute.dead for each in self.lines for minute in each.minutes[-LATELY_MINUTES:])

    @property
    def oldest_ready(self) -> datetime | None:
        return min((each.oldest_ready for each in self.lines if each.oldest_ready is not None), default=None)

    def is_late(self, ready_since: datetime | None) -> bool:
        """Whether that is so long ago that somebody should look; as the alert has it."""
        return ready_since is not None and self.at - ready_since > LATE

    @property
    def layout(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Which lines stand where: while this stays, lines are changed each by itself."""
        return tuple(each.name for each in self.busy), tuple(each.name for each in self.quiet)


def overview_of(
    now: datetime,
    tallies: Mapping[str, Tally],
    seen: Glance,
    pauses: Mapping[str, PipelinePause],
    known: Collection[str],
) -> Overview:
    """Put together what was read; `known` are the pipelines of this release."""
    return Overview(
        at=now,
        lines=tuple(
            _line(name, now, tallies[name], seen, pauses.get(name), is_known=name in known) for name in sorted(tallies)
        ),
        live=seen.live,
        draining=seen.draining,
        working=seen.working,
        is_whole=all(each.is_whole for each in tallies.values()),
    )


def _line(
    name: str, now: datetime, tally: Tally, seen: Glance, paused: PipelinePause | None, *, is_known: bool
) -> Line:
    depths = {state: count for (pipeline, state), count in sorted(seen.depths.items()) if pipeline == name}
    return Line(
        name=name,
        minutes=tally.minutes(now),
        last_minute=tally.last_minute(now),
        open={state: count for state, count in depths.items() if state not in _DEAD},
        dead=sum(depths.get(state, 0) for state in _DEAD),
        oldest_ready=seen.oldest_ready.get(name),
        paused=paused,
        is_known=is_known,
    )
