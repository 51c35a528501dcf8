"""From moments to places on a picture: in proportion, but for idle time so long that all else would be a dot."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, pairwise
from math import ceil

Span = tuple[float, float]  # seconds since the beginning

_LONG = 4.0  # times as long as everything else together: then it is drawn shortened
_MOST_BREAKS = 2
_BREAK_WIDTH = 22.0
_FIRST, _LAST = 0.6, 99.4  # per cent: a bar at the edge is not cut off
_APART = 21.0  # per cent between two ticks, so that their labels have room on a phone
_LEAST, _TOO_SHORT = 0.001, 0.000_01
_CLOCK_FROM = 60.0  # seconds: from then on the axis has times of day
_DAY = 86400.0
_STEPS = [
    *(factor * 10.0**power for power in range(-3, 1) for factor in (1, 2, 5)),
    *(10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0),
    *(hours * 3600.0 for hours in (1, 2, 3, 6, 12)),
    *(days * _DAY for days in (1, 2, 7, 14, 30, 90)),
]


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark of the axis."""

    x: float
    label: str


@dataclass(frozen=True, slots=True)
class _Piece:
    """A stretch of time and its place."""

    since: float
    until: float
    x: float
    width: float
    is_shortened: bool

    @property
    def seconds(self) -> float:
        return self.until - self.since


class TimeScale:
    """Places in per cent of the width."""

    def __init__(self, begin: datetime, end: datetime, busy: Iterable[tuple[datetime, datetime]]) -> None:
        self._begin = begin
        self.seconds = max(_LEAST, (end - begin).total_seconds())
        self._pieces = self._laid_out(_shortened(self._idle(busy), self.seconds))

    def x(self, at: datetime) -> float:
        """Where this moment is."""
        seconds = min(max(0.0, self._since_begin(at)), self.seconds)
        piece = next(each for each in reversed(self._pieces) if each.since <= seconds)
        return round(piece.x + piece.width * (seconds - piece.since) / piece.seconds, 2)

    @property
    def breaks(self) -> list[Tick]:
        """The middle of each stretch that is drawn shortened."""
        return [Tick(round(each.x + each.width / 2, 2), "") for each in self._pieces if each.is_shortened]

    @property
    def ticks(self) -> list[Tick]:
        """Round times, with room between them."""
        found: list[Tick] = []
        for at in self._round_times():
            x = self.x(self._begin + timedelta(seconds=at))
            label = self._label(at)
            if not found or (x - found[-1].x >= _APART and label != found[-1].label):
                found.append(Tick(x, label))
        return found

    def _since_begin(self, at: datetime) -> float:
        return (at - self._begin).total_seconds()

    def _idle(self, busy: Iterable[tuple[datetime, datetime]]) -> list[Span]:
        """When nothing was tried; nothing of it, if nothing ever was."""
        spans = sorted((self._since_begin(since), self._since_begin(until)) for since, until in busy)
        idle, reached = [], 0.0
        for since, until in spans:
            if since > reached:
                idle.append((reached, since))
            reached = max(reached, until)
        if spans and reached < self.seconds:
            idle.append((reached, self.seconds))
        return idle

    def _laid_out(self, shortened: Sequence[Span]) -> list[_Piece]:
        cuts = sorted({0.0, self.seconds, *chain.from_iterable(shortened)})
        spans = [(since, until) for since, until in pairwise(cuts) if until > since]
        drawn = sum(until - since for since, until in spans if (since, until) not in shortened) or 1.0
        width = _LAST - _FIRST - _BREAK_WIDTH * len(shortened)
        pieces, x = [], _FIRST
        for since, until in spans:
            is_shortened = (since, until) in shortened
            wide = _BREAK_WIDTH if is_shortened else width * (until - since) / drawn
            pieces.append(_Piece(since, until, x, wide, is_shortened))
            x += wide
        return pieces

    @property
    def _step(self) -> float:
        """Seconds between two ticks."""
        drawn = [each for each in self._pieces if not each.is_shortened and each.width]
        least = _APART * drawn[0].seconds / drawn[0].width if drawn else self.seconds
        return next((step for step in _STEPS if step >= least), _STEPS[-1])

    def _round_times(self) -> Iterator[float]:
        """On the clock where the axis has times of day, else counted from the beginning."""
        step = self._step
        midnight = self._begin.replace(hour=0, minute=0, second=0, microsecond=0)
        offset = (self._begin - midnight).total_seconds() if self.seconds >= _CLOCK_FROM else 0.0
        for piece in self._pieces:
            if piece.is_shortened:
                continue
            first = ceil((piece.since + offset) / step)
            for count in range(int(piece.seconds / step) + 1):
                if (at := (first + count) * step - offset) <= piece.until:
                    yield at

    def _label(self, seconds: float) -> str:
        step = self._step
        if self.seconds >= _CLOCK_FROM:
            at = self._begin + timedelta(seconds=seconds)
            return f"{at:%d %b}" if step >= _DAY else f"{at:%H:%M:%S}"
        if self.seconds < 1:
            return f"{seconds * 1000:.0f} ms"
        return f"{seconds:.{0 if step >= 1 else 1 if step >= 0.1 else 2}f} s"  # noqa: PLR2004 - digits of the step


def _shortened(idle: Iterable[Span], seconds: float) -> list[Span]:
    """The longest, if each of them is out of proportion to what else there is."""
    longest = sorted(idle, key=lambda span: span[0] - span[1])
    for count in range(min(_MOST_BREAKS, len(longest)), 0, -1):
        chosen = longest[:count]
        rest = seconds - sum(until - since for since, until in chosen)
        if rest > _TOO_SHORT and all(until - since > _LONG * rest for since, until in chosen):
            return chosen
    return []
