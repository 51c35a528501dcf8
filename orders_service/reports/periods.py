"""The time that a report covers, and its days as people at some place have them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter, ValidationError

from orders_service.reports.errors import PeriodRefused
from orders_service.strict_models import Timestamp
from orders_service.time_zones import zone_of

MOST_DAYS = 400
USUAL_DAYS = 30
FIRST_YEAR, LAST_YEAR = 2000, 2999
LONGEST_MOMENT = 40

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIMESTAMP: TypeAdapter[datetime] = TypeAdapter(Timestamp)
_DAY = timedelta(days=1)
_TICK = timedelta(microseconds=1)


class Day(NamedTuple):
    """A calendar day, from its first moment until before the first of the next; 23 hours of it, or 25, may be all."""

    date: date
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Period:
    """From `since` until before `until`, in UTC; `first` and `last` are how it was asked for."""

    since: datetime
    until: datetime
    time_zone: str
    first: str
    last: str

    def days(self) -> Iterator[Day]:
        """Each day of the zone. The first and the last may be cut; one that a zone leaves out is left out."""
        zone, begin = zone_of(self.time_zone), self.since
        while begin < self.until:
            day = begin.astimezone(zone).date()
            end = min(_midnight(day + _DAY, zone), self.until)
            yield Day(day, begin, end)
            begin = end


def moment_of(text: str) -> date | datetime:
    """A calendar day, or a moment in UTC. Raises `ValueError` for what is neither."""
    try:
        moment = date.fromisoformat(text) if _DATE.fullmatch(text) else _TIMESTAMP.validate_python(text)
    except ValidationError:  # it would quote what it was given
        raise ValueError("neither a date nor a time") from None
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ValueError("too long ago, or too far away")
    return moment


def period_of(first: str | None, last: str | None, time_zone: str, *, now: datetime) -> Period:
    """What was asked for: `first` to `last`, both included where they are dates; the last 30 days unless said.

    Raises `PeriodRefused`.
    """
    zone = zone_of(time_zone)
    last = last or now.astimezone(zone).date().isoformat()
    until = _end_of(last, zone)
    last_day = (until - _TICK).astimezone(zone).date()
    first = first or max(last_day - timedelta(days=USUAL_DAYS - 1), date(FIRST_YEAR, 1, 1)).isoformat()
    since = _begin_of(first, zone)
    if since >= until:
        raise PeriodRefused("from", "Input should be before `to`, which is today unless it is given")
    if (last_day - since.astimezone(zone).date()).days >= MOST_DAYS:
        raise PeriodRefused("from", f"A report covers {MOST_DAYS} days at most")
    return Period(since, until, time_zone, first, last)


def _begin_of(text: str, zone: ZoneInfo) -> datetime:
    moment = moment_of(text)
    return moment if isinstance(moment, datetime) else _midnight(moment, zone)


def _end_of(text: str, zone: ZoneInfo) -> datetime:
    moment = moment_of(text)
    return moment if isinstance(moment, datetime) else _midnight(moment + _DAY, zone)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    """The first moment of the day: where the clocks skip midnight, the one at which they do."""
    return datetime.combine(day, time.min, zone).astimezone(UTC)
