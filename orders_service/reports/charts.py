"""Charts as numbers: how long each bar is. The template draws them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

FULL = 1000  # the length of the longest bar that a chart has room for
_STEPS = (1, 2, 5, 10)


@dataclass(frozen=True, slots=True)
class Bar:
    """One value: its name, what it is in words, and its length."""

    label: str
    text: str
    length: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """`columns` stand beside each other, as days do; other bars lie under each other."""

    title: str
    says: str
    bars: tuple[Bar, ...]
    ticks: tuple[Bar, ...]
    columns: bool


def chart(
    title: str,
    values: Sequence[tuple[str, int]],
    written: Callable[[int], str],
    *,
    columns: bool = False,
) -> Chart:
    """Draw named values. Its words tell those who do not see it what there is to see."""
    highest = max((value for _, value in values), default=0)
    top = _round_up(highest) if columns else max(highest, 1)  # only a scale wants a round end
    peak = next((name for name, value in values if value == highest), "nothing")
    return Chart(
        title=title,
        says=f"{len(values)} values; the highest is {written(highest)}, at {peak}.",
        bars=tuple(Bar(name, written(value), value * FULL // top) for name, value in values),
        ticks=tuple(Bar("", written(top * part // 2), FULL * part // 2) for part in range(3)),
        columns=columns,
    )


def _round_up(value: int) -> int:
    """The next number that looks well at the end of a scale; whole numbers, since sums may be larger than floats."""
    unit: int = 10 ** (len(str(value)) - 1)
    return next(max(2, step * unit) for step in _STEPS if step * unit >= value)
