"""The time line of a run as a picture: a lane for each step, bars for attempts, thin lines for waits."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from orders_service.console.pages import lasted
from orders_service.console.time_scale import Tick, TimeScale
from pipelines import Attempt, RunRecord, RunState

MOST_DRAWN = 200  # attempts: the latest of them

_LANE = 48
_AXIS = 30
_LEAST_WAIT = 1.2  # per cent: what is shorter is not seen
_LEAST_LABELLED = 11.0
_THIN = 0.02  # per cent: a width of nothing is not drawn at all, and this is as wide as its outline
_SOON = timedelta(milliseconds=1)
_UNDO = "undo"
_WORDS = {
    "success": "success",
    "retry": "failed, tried again",
    "throttled": "put off",
    "rejected": "rejected",
    "failed": "failed for good",
    "cancelled": "cancelled",
    "running": "under way",
    _UNDO: "undo",
}


@dataclass(frozen=True, slots=True)
class Bar:
    """An attempt, or the one that is being made."""

    x: float
    width: float
    outcome: str
    is_undo: bool
    title: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing is tried; `is_ahead` is the wait for what is to come."""

    since: float
    until: float
    label: str
    is_ahead: bool = False

    @property
    def middle(self) -> float:
        return round((self.since + self.until) / 2, 2)


@dataclass(frozen=True, slots=True)
class Lane:
    """One step; `top` is where it begins, in pixels."""

    name: str
    top: int
    note: str
    bars: tuple[Bar, ...]
    waits: tuple[Wait, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """All that is drawn. Places are per cent of the width, so that a phone shows the same with letters as large."""

    label: str
    since: datetime
    lasted: timedelta
    lanes: tuple[Lane, ...]
    ticks: list[Tick]
    breaks: list[Tick]
    now: float | None
    height: int

    @property
    def keys(self) -> list[tuple[str, str]]:
        """What its colours mean, of those that are in it."""
        bars = [bar for lane in self.lanes for bar in lane.bars]
        met = {bar.outcome for bar in bars} | ({_UNDO} if any(bar.is_undo for bar in bars) else set())
        return [(name, word) for name, word in _WORDS.items() if name in met]


class _Painter:
    """Draws one run as it is at one moment."""

    def __init__(self, run: RunRecord, now: datetime) -> None:
        self._run = run
        self._now = now
        self._drawn = run.attempts[-MOST_DRAWN:]
        self._under_way = _under_way(run, now)
        self.begin = self._drawn[0].started_at if len(self._drawn) < len(run.attempts) else run.created_at
        self.begin = min([self.begin, *(each.started_at for each in self._drawn)])
        self.end = self._end()
        self.scale = TimeScale(self.begin, self.end, self._busy())

    def _end(self) -> datetime:
        run = self._run
        latest = [each.finished_at for each in self._drawn]
        if run.finished_at is not None:
            return max([run.finished_at, *latest])
        ahead = [run.due_at] if run.state is RunState.WAITING else []
        return max([self._now, *ahead, *latest])

    def _busy(self) -> list[tuple[datetime, datetime]]:
        spans = [(each.started_at, each.finished_at) for each in self._drawn]
        return [*spans, (self._under_way, self._now)] if self._under_way is not None else spans

    def lane(self, name: str, place: int) -> Lane:
        tried = [each for each in self._drawn if each.step == name]
        is_here = self._run.step == name
        bars = [self._bar(each) for each in tried]
        waits = list(self._waits(name))
        if is_here and self._under_way is not None:
            bars.append(self._running(self._under_way))
        if is_here and self._run.state is RunState.WAITING and self._run.due_at > self._now:
            waits.append(self._wait(self._idle_since(), self._run.due_at, is_ahead=True))
        return Lane(name, place * _LANE, _note(tried), tuple(bars), tuple(waits))

    def _bar(self, attempt: Attempt) -> Bar:
        is_undo = attempt.direction == _UNDO
        what = f"{'undo, ' if is_undo else ''}attempt {attempt.number}: {attempt.outcome}, {lasted(attempt.took)}"
        return Bar(*self._extent(attempt.started_at, attempt.finished_at), attempt.outcome, is_undo, what)

    def _running(self, since: datetime) -> Bar:
        is_undo = self._run.state is RunState.UNDOING
        return Bar(*self._extent(since, self._now), "running", is_undo, "under way")

    def _extent(self, since: datetime, until: datetime) -> tuple[float, float]:
        x = self.scale.x(since)
        return x, max(_THIN, round(self.scale.x(until) - x, 2))

    def _waits(self, name: str) -> Iterator[Wait]:
        """Before each attempt of this step, since whatever was tried before it."""
        idle_since = self.begin
        for each in self._drawn:
            if each.step == name and each.started_at > idle_since:
                yield self._wait(idle_since, each.started_at)
            idle_since = max(idle_since, each.finished_at)
        if self._under_way is not None and self._run.step == name and self._under_way > idle_since:
            yield self._wait(idle_since, self._under_way)

    def _wait(self, since: datetime, until: datetime, *, is_ahead: bool = False) -> Wait:
        first, last = self.scale.x(since), self.scale.x(until)
        label = lasted(until - since) if last - first >= _LEAST_LABELLED else ""
        return Wait(first, last, label, is_ahead)

    def _idle_since(self) -> datetime:
        return max([self.begin, *(each.finished_at for each in self._drawn)])


def picture_of(run: RunRecord, names: Sequence[str], now: datetime) -> Picture:
    """The run as it is now."""
    painter = _Painter(run, now)
    lanes = tuple(painter.lane(name, place) for place, name in enumerate(names))
    return Picture(
        label=_label(run, lanes),
        since=painter.begin,
        lasted=painter.end - painter.begin,
        lanes=tuple(Lane(each.name, each.top, each.note, each.bars, _visible(each.waits)) for each in lanes),
        ticks=painter.scale.ticks,
        breaks=painter.scale.breaks,
        now=painter.scale.x(now) if run.finished_at is None else None,
        height=len(lanes) * _LANE + _AXIS,
    )


def _under_way(run: RunRecord, now: datetime) -> datetime | None:
    """Since when an attempt is being made, as nearly as the journal knows: it writes an attempt down when it ends."""
    if run.owner is None or run.state not in {RunState.RUNNING, RunState.UNDOING}:
        return None
    ended = [each.finished_at for each in run.attempts if each.step == run.step]
    return min(now - _SOON, max([run.step_since, *ended, *([run.due_at] if run.errors else [])]))


def _visible(waits: Sequence[Wait]) -> tuple[Wait, ...]:
    return tuple(each for each in waits if each.until - each.since >= _LEAST_WAIT)


def _note(tried: Sequence[Attempt]) -> str:
    if not tried:
        return ""
    count = f"{len(tried)} attempts, " if len(tried) > 1 else ""
    return count + lasted(sum((each.took for each in tried), timedelta()))


def _label(run: RunRecord, lanes: Sequence[Lane]) -> str:
    """What the picture shows, for whoever does not see it; the table has every attempt."""
    told = "; ".join(f"{each.name}: {_told(each.bars)}" for each in lanes)
    return f"Time line of a {run.state} run of {run.pipeline}. {told}."


def _told(bars: Sequence[Bar]) -> str:
    if not bars:
        return "not tried"
    last = f"undo {bars[-1].outcome}" if bars[-1].is_undo else bars[-1].outcome
    return last if len(bars) == 1 else f"{len(bars)} attempts, the last one {last}"
