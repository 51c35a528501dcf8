"""Reads the header with which a server asks to be left alone for a while."""

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

SHORTEST_PAUSE = timedelta(seconds=1)  # a pause costs no attempt, so a hostile "at once" must not become a tight loop
LONGEST_PAUSE = timedelta(hours=1)

_SECONDS = re.compile(r"-?[0-9]+")
_DIGITS_THAT_MATTER = 9  # more of them are beyond the longest pause, and could be too many for int()


def clamped(pause: timedelta) -> timedelta:
    """As long a pause as is heeded."""
    return min(max(pause, SHORTEST_PAUSE), LONGEST_PAUSE)


def pause_asked_for(header: str, *, now: datetime) -> timedelta | None:
    """What a `Retry-After` of seconds or of an HTTP date asks for, clamped; None if it cannot be understood."""
    text = header.strip()
    pause = _from_seconds(text) if _SECONDS.fullmatch(text) else _from_date(text, now)
    return None if pause is None else clamped(pause)


def _from_seconds(text: str) -> timedelta:
    if text.startswith("-"):
        return SHORTEST_PAUSE
    return LONGEST_PAUSE if len(text) > _DIGITS_THAT_MATTER else timedelta(seconds=int(text))


def _from_date(text: str, now: datetime) -> timedelta | None:
    try:
        moment = parsedate_to_datetime(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now
    except (ValueError, OverflowError):
        return None
