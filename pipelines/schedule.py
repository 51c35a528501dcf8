"""When a pipeline is to run by itself: a schedule as a plain value, and what is due of it."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from typing import Generic, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from apscheduler.triggers.cron import CronTrigger

from pipelines.errors import WiringError
from pipelines.pipeline import Pipeline

In = TypeVar("In")

MOST_CAUGHT_UP = 100
ON_TIME = timedelta(minutes=1)  # a tick that is later than this was missed
CORRECTED = timedelta(days=1)  # a clock that goes back by more than this was wrong before

_LONGEST_NAME = 100
_LONGEST_TRIGGER = 200
_TICK = timedelta(microseconds=1)
_CRON_FIELDS = 5


class CatchUp(Enum):
    """Which of the ticks that nobody was there for are made up for: none, the last, or all of the last hundred."""

    NONE = auto()
    LAST = auto()
    ALL = auto()


@dataclass(frozen=True, slots=True)
class Row:
    """How far the journal says that a schedule has come."""

    trigger: str
    last_fire_at: datetime | None
    next_fire_at: datetime | None
    is_paused: bool = False


@dataclass(frozen=True, slots=True)
class Due:
    """What is to be written: a run for each of these ticks, and when the next is."""

    ticks: tuple[datetime, ...]
    next_fire_at: datetime | None


@dataclass(frozen=True, eq=False)
class Schedule(Generic[In]):
    """Runs of a pipeline at fixed times; made by `schedule`."""

    name: str
    pipeline: Pipeline[In]
    trigger: CronTrigger
    input: In | Callable[[datetime], In]
    sentence: str
    catch_up: CatchUp

    def __post_init__(self) -> None:
        if not self.name or len(self.name) > _LONGEST_NAME or "@" in self.name:
            raise WiringError(f"a schedule's name has 1 to {_LONGEST_NAME} characters and no @: {self.name!r}")
        if self.trigger.jitter:
            raise WiringError(f"{self.name}: a trigger with jitter fires at other times in each process")

    @property
    def trigger_text(self) -> str:
        """By this the journal notices that the trigger has changed."""
        text = repr(self.trigger)
        digest = hashlib.sha256(text.encode()).hexdigest()
        return text if len(text) <= _LONGEST_TRIGGER else f"{text[: _LONGEST_TRIGGER - 65]} {digest}"

    def next_after(self, moment: datetime) -> datetime | None:
        """The first fire time later than the moment; none if there is none.

        When the clocks go forward, what falls into the hour that is skipped fires an hour later by the wall. When they
        go back, an hour that is named fires once, the first time; one that is not named fires both times.
        """
        while True:
            # In UTC: adding to a local time would lose which of two equal hours it was in.
            fire = self.trigger.get_next_fire_time(None, moment.astimezone(UTC) + _TICK)
            if fire is None or not (fire.fold and self._names_the_hour):
                return fire.astimezone(UTC) if fire is not None else None
            moment = fire

    @property
    def _names_the_hour(self) -> bool:
        hour = next(field for field in self.trigger.fields if field.name == "hour")
        return not str(hour).startswith("*")

    def input_at(self, fire_at: datetime) -> In:
        """The input of the tick's run; a function is asked with the fire time in the schedule's own zone."""
        if callable(self.input):
            return self.input(fire_at.astimezone(self.trigger.timezone))
        return self.input

    def key_at(self, fire_at: datetime) -> str:
        """The key of the tick's run: whoever starts it, there is one."""
        return f"{self.name}@{fire_at.astimezone(UTC).isoformat()}"

    def due(self, row: Row | None, now: datetime) -> Due | None:
        """What there is to do now, if anything; depends on nothing else, so all processes say the same."""
        if row is not None and row.is_paused:
            return None
        if row is None or self._is_ahead(row, now):
            return Due((), self.next_after(now))
        if row.next_fire_at is not None and row.next_fire_at <= now:
            # Under another trigger only this one tick was promised; the others are not known any more.
            missed = self._missed(row.next_fire_at, now) if row.trigger == self.trigger_text else (row.next_fire_at,)
            return Due(self._made_up_for(missed, now), self.next_after(now))
        return Due((), self.next_after(now)) if row.trigger != self.trigger_text else None

    def _is_ahead(self, row: Row, now: datetime) -> bool:
        """Whether it was planned by a clock that was far ahead: it would be silent until that time has come."""
        planned = row.last_fire_at or row.next_fire_at
        first = self.next_after(now)
        if planned is None or row.next_fire_at is None or first is None:
            return False
        return planned > now + CORRECTED and row.next_fire_at > first

    def _made_up_for(self, missed: tuple[datetime, ...], now: datetime) -> tuple[datetime, ...]:
        match self.catch_up:
            case CatchUp.ALL:
                return missed
            case CatchUp.LAST:
                return missed[-1:]
            case CatchUp.NONE:
                return tuple(each for each in missed[-1:] if now - each <= ON_TIME)

    def _missed(self, since: datetime, now: datetime) -> tuple[datetime, ...]:
        """The last fire times from `since` to now, at most so many; looked for backwards, however long it was down."""
        most, span = MOST_CAUGHT_UP if self.catch_up is CatchUp.ALL else 1, timedelta(minutes=1)
        while True:
            start = max(since, now - span)
            found = self._between(start, now)
            if len(found) >= most or start == since:
                return found[-most:]
            span *= 2

    def _between(self, start: datetime, end: datetime) -> tuple[datetime, ...]:
        found: list[datetime] = []
        fire = self.next_after(start - _TICK)
        while fire is not None and fire <= end:
            found.append(fire)
            fire = self.next_after(fire)
        return tuple(found)


def schedule(
    pipeline: Pipeline[In],
    trigger: CronTrigger,
    input: In | Callable[[datetime], In],  # noqa: A002 - what it is called everywhere else
    *,
    name: str | None = None,
    sentence: str = "",
    catch_up: CatchUp = CatchUp.LAST,
) -> Schedule[In]:
    """Run the pipeline whenever the trigger fires: one run for each tick, however many processes there are.

    `trigger` is APScheduler's, or what `cron` makes of a line; give it a time zone, or it takes the machine's. `input`
    is the run's input, or a function that makes it from the fire time. The name, the pipeline's unless given, is stored
    data: under a new name the schedule begins anew. The first tick is the next one after the schedule has been seen
    for the first time. `sentence` says it in words, for people. Raises `WiringError`.
    """
    return Schedule(name or pipeline.name, pipeline, trigger, input, sentence or repr(trigger), catch_up)


def cron(line: str, *, zone: str) -> CronTrigger:
    """Read a line as cron has it: minute, hour, day, month, weekday.

    Refuses with a `WiringError` what the trigger would read in another way than cron does: a weekday by number, which
    is Sunday to one and Monday to the other, and a day together with a weekday, of which cron takes either and the
    trigger wants both.
    """
    fields = line.split()
    if len(fields) != _CRON_FIELDS:
        raise WiringError(f"{line!r}: say minute, hour, day, month and weekday")
    day, weekday = fields[2], fields[4]
    if any(letter.isdigit() for letter in weekday.split("/")[0]):
        raise WiringError(f"{line!r}: name the weekday (sun, mon-fri): its number is read differently by each cron")
    if not day.startswith("*") and not weekday.startswith("*"):
        raise WiringError(f"{line!r}: say the day or the weekday, not both; make it two schedules, or a CronTrigger")
    try:
        return CronTrigger.from_crontab(line, timezone=ZoneInfo(zone))
    except (ValueError, OSError, ZoneInfoNotFoundError) as error:
        raise WiringError(f"{line!r} in {zone!r}: {error}") from error
