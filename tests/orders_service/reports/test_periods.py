from datetime import UTC, datetime, timedelta

import pytest

from orders_service.reports.errors import PeriodRefused
from orders_service.reports.periods import MOST_DAYS, period_of

NOW = datetime(2026, 11, 28, 23, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)


def hours(first: str, last: str, time_zone: str = "UTC") -> list[float]:
    """How long each day is."""
    return [(day.until - day.since) / HOUR for day in period_of(first, last, time_zone, now=NOW).days()]


def test_both_days_are_included() -> None:
    period = period_of("2026-11-01", "2026-11-30", "UTC", now=NOW)
    assert (period.since, period.until) == (datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC))
    assert len(list(period.days())) == 30


@pytest.mark.parametrize(
    ("day", "time_zone", "expected"),
    [
        ("2026-03-29", "Europe/Berlin", 23),
        ("2026-10-25", "Europe/Berlin", 25),
        ("2026-10-24", "Europe/Berlin", 24),
        ("2018-11-04", "America/Sao_Paulo", 23),  # the clocks skipped midnight
        ("2018-02-17", "America/Sao_Paulo", 25),  # and repeated the hour before it
        ("2026-10-04", "Australia/Lord_Howe", 23.5),
    ],
)
def test_a_day_is_as_long_as_the_clocks_make_it(day: str, time_zone: str, expected: float) -> None:
    assert hours(day, day, time_zone) == [expected]


def test_a_day_that_a_zone_has_left_out_is_left_out() -> None:
    period = period_of("2011-12-29", "2011-12-31", "Pacific/Apia", now=NOW)
    assert [day.date.day for day in period.days()] == [29, 31]


def test_days_follow_each_other_without_a_gap() -> None:
    period = period_of("2026-01-01", "2026-12-31", "Europe/Berlin", now=NOW)
    days = list(period.days())
    assert [day.since for day in days[1:]] == [day.until for day in days[:-1]]
    assert (days[0].since, days[-1].until, len(days)) == (period.since, period.until, 365)


def test_the_last_30_days_are_meant_when_nothing_is_said() -> None:
    period = period_of(None, None, "Europe/Berlin", now=NOW)  # where it is tomorrow already
    assert (period.first, period.last) == ("2026-10-31", "2026-11-29")


def test_29_days_before_the_last_are_meant_when_only_that_is_said() -> None:
    assert period_of(None, "2026-03-30", "UTC", now=NOW).first == "2026-03-01"


def test_moments_cut_days() -> None:
    assert hours("2026-11-01T22:00:00Z", "2026-11-03T01:00:00+01:00") == [2, 24]
    assert hours("2026-11-01", "2026-11-02T06:00:00Z") == [24, 6]


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("2026-11-02", "2026-11-01"),
        ("2026-11-01T00:00:00Z", "2026-11-01T00:00:00Z"),
        ("2026-11-29", None),
        ("2025-10-26", "2026-11-30"),
        ("2000-01-01", "2999-12-31"),
    ],
)
def test_a_range_that_is_none_or_too_long_is_refused(first: str, last: str | None) -> None:
    with pytest.raises(PeriodRefused) as refused:
        period_of(first, last, "UTC", now=NOW)
    assert refused.value.field == "from"


@pytest.mark.parametrize("time_zone", ["UTC", "Europe/Berlin", "America/Sao_Paulo"])
def test_the_longest_range_has_400_days(time_zone: str) -> None:
    assert len(hours("2025-10-27", "2026-11-30", time_zone)) == MOST_DAYS


def test_the_first_and_the_last_year_can_be_asked_for() -> None:
    assert len(hours("2000-01-01", "2000-01-01", "Pacific/Kiritimati")) == 1
    assert len(hours("2999-12-31", "2999-12-31", "Pacific/Niue")) == 1
    assert period_of(None, "2000-01-05", "UTC", now=NOW).first == "2000-01-01"
