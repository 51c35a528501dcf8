from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from orders_service.console.time_scale import TimeScale

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def scale(seconds: float, *busy: tuple[float, float]) -> TimeScale:
    return TimeScale(NOON, at(seconds), [(at(since), at(until)) for since, until in busy])


def test_places_are_in_proportion_to_time() -> None:
    of = scale(10, (0, 3), (4, 10))
    first, middle, last = of.x(at(0)), of.x(at(5)), of.x(at(10))
    assert middle - first == pytest.approx(last - middle, abs=0.01)
    assert (first > 0, last < 100) == (True, True)


def test_a_wait_out_of_all_proportion_is_drawn_shortened() -> None:
    of = scale(3601, (0, 0.5), (3600.5, 3601))
    assert len(of.breaks) == 1
    assert of.x(at(0.5)) - of.x(at(0)) > 30
    assert of.x(at(3601)) - of.x(at(3600.5)) > 30


def test_work_is_never_shortened() -> None:
    assert scale(3601, (0, 3600), (3600.5, 3601)).breaks == []


@pytest.mark.parametrize("seconds", [0, 0.0004, 0.08, 0.9, 7, 59, 61, 5000, 90_000, 3_000_000])
def test_labels_are_few_and_apart_whatever_the_length(seconds: float) -> None:
    ticks = scale(seconds, (0, seconds)).ticks
    assert 1 <= len(ticks) <= 5
    assert all(later.x - earlier.x >= 20 for earlier, later in pairwise(ticks))


def test_order_is_kept_across_what_is_shortened() -> None:
    of = scale(100_000, (0, 1), (40_000, 40_001), (99_999, 100_000))
    places = [of.x(at(seconds)) for seconds in (0, 1, 20_000, 40_000, 40_001, 70_000, 99_999, 100_000)]
    assert places == sorted(places)
    assert len(of.breaks) == 2


def test_times_of_day_are_round_on_the_clock() -> None:
    of = TimeScale(at(17), at(317), [(at(17), at(317))])
    assert [tick.label for tick in of.ticks] == ["12:02:00", "12:04:00"]


@pytest.mark.parametrize(("seconds", "label"), [(0.08, "20 ms"), (7, "2 s"), (5000, "12:30:00"), (600_000, "30 Nov")])
def test_short_times_are_counted_and_long_ones_told_by_the_clock(seconds: float, label: str) -> None:
    assert label in [tick.label for tick in scale(seconds, (0, seconds)).ticks]
