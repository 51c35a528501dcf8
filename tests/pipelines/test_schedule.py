"""When a schedule fires, and what is due of it: plain values, no clock and no database."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from apscheduler.triggers.cron import CronTrigger

from pipelines import CatchUp, Pipeline, Schedule, WiringError, cron, schedule
from pipelines.schedule import MOST_CAUGHT_UP, Due, Row
from tests.builders.world import Trip

trip = Pipeline("trip", Trip)
BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def every(line: str, zone: str = "Europe/Berlin", catch_up: CatchUp = CatchUp.LAST) -> Schedule[Trip]:
    return schedule(trip, cron(line, zone=zone), Trip(), catch_up=catch_up)


def fires(line: str, since: str, until: str) -> list[str]:
    """The fire times between, in UTC."""
    each, moment, found = every(line), at(since), list[str]()
    while (fire := each.next_after(moment)) is not None and fire <= at(until):
        found.append(f"{fire:%H:%M}")
        moment = fire
    return found


def row(next_fire: str | None, last_fire: str | None = None, *, of: Schedule[Trip], is_paused: bool = False) -> Row:
    last, following = (at(each) if each is not None else None for each in (last_fire, next_fire))
    return Row(of.trigger_text, last, following, is_paused)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("30 1 * * *", ["00:30"]),
        ("30 2 * * *", ["01:30"]),
        ("0 3 * * *", ["01:00"]),
        ("30 * * * *", ["23:30", "00:30", "01:30", "02:30"]),
        ("30 2,3 * * *", ["01:30"]),
    ],
    ids=["before it", "in it: an hour later", "after it", "hourly", "no tick falls on another"],
)
def test_in_the_night_of_the_hour_that_is_skipped(line: str, expected: list[str]) -> None:
    assert fires(line, "2026-03-28T23:00", "2026-03-29T03:00") == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("30 1 * * *", ["23:30"]),
        ("30 2 * * *", ["00:30"]),
        ("0 3 * * *", ["02:00"]),
        ("30 * * * *", ["22:30", "23:30", "00:30", "01:30", "02:30"]),
        ("30 1-2 * * *", ["23:30", "00:30"]),
    ],
    ids=["before it", "in it: once", "after it", "hourly: both", "hours by name: once each"],
)
def test_in_the_night_of_the_hour_that_is_doubled(line: str, expected: list[str]) -> None:
    assert fires(line, "2026-10-24T22:00", "2026-10-25T03:00") == expected


def test_a_day_after_the_doubled_hour_it_fires_again() -> None:
    assert every("30 2 * * *").next_after(at("2026-10-25T00:30")) == at("2026-10-26T01:30")


@pytest.mark.parametrize(
    ("line", "zone", "says"),
    [
        ("0 3 * * 0", "UTC", "name the weekday"),
        ("0 3 * * 1-5", "UTC", "name the weekday"),
        ("0 3 13 * fri", "UTC", "not both"),
        ("0 3 * *", "UTC", "say minute"),
        ("0 25 * * *", "UTC", "25"),
        ("0 3 * * someday", "UTC", "someday"),
        ("0 3 * * *", "Europe/Atlantis", "Atlantis"),
        ("0 3 * * *", "Europe", "Europe"),
        ("0 3 * * *", "", "''"),
    ],
)
def test_a_line_that_would_be_read_otherwise_than_by_cron_is_refused(line: str, zone: str, says: str) -> None:
    with pytest.raises(WiringError, match=says):
        cron(line, zone=zone)


@pytest.mark.parametrize("line", ["0 3 * * sun", "0 3 * * mon-fri", "0 3 * * */2", "*/5 0 1-7 jan *", "0 3 */2 * mon"])
def test_a_line_that_both_read_alike_is_taken(line: str) -> None:
    assert every(line).next_after(at("2026-01-01T00:00")) is not None


def test_sunday_is_sunday() -> None:
    fire = every("0 3 * * sun").next_after(at("2026-11-21T12:00"))
    assert fire is not None
    assert fire.astimezone(BERLIN).strftime("%A %H:%M") == "Sunday 03:00"


@pytest.mark.parametrize(
    ("name", "jitter"), [("", None), ("x" * 101, None), ("a@b", None), ("fine", 5)], ids=["none", "long", "@", "jitter"]
)
def test_what_no_journal_can_keep_is_refused(name: str, jitter: int | None) -> None:
    with pytest.raises(WiringError):
        Schedule(name, trip, CronTrigger(hour=3, timezone=UTC, jitter=jitter), Trip(), "", CatchUp.LAST)


def test_a_trigger_that_is_too_long_for_its_column_is_told_apart_by_its_end() -> None:
    first, second = (
        schedule(trip, CronTrigger(minute=",".join(map(str, [*range(50), last])), hour="1-23", timezone=UTC), Trip())
        for last in (58, 59)
    )
    assert len(first.trigger_text) <= 200
    assert first.trigger_text != second.trigger_text


def test_the_input_may_be_made_from_the_fire_time_in_the_zone_of_the_schedule() -> None:
    made = schedule(trip, cron("0 3 * * *", zone="Europe/Berlin"), lambda fire: Trip(to=f"{fire:%H:%M %Z}"))
    assert made.input_at(at("2026-01-01T02:00")) == Trip(to="03:00 CET")
    assert every("0 3 * * *").input_at(at("2026-01-01T02:00")) == Trip()


def test_a_new_schedule_fires_for_the_first_time_at_the_next_tick() -> None:
    assert every("0 3 * * *", "UTC").due(None, at("2026-01-01T03:00")) == Due((), at("2026-01-02T03:00"))


@pytest.mark.parametrize(
    ("catch_up", "late_by", "expected"),
    [
        (CatchUp.NONE, timedelta(seconds=30), ["2026-01-04T03:00"]),
        (CatchUp.NONE, timedelta(minutes=2), []),
        (CatchUp.LAST, timedelta(hours=2), ["2026-01-04T03:00"]),
        (CatchUp.ALL, timedelta(hours=2), ["2026-01-02T03:00", "2026-01-03T03:00", "2026-01-04T03:00"]),
    ],
)
def test_what_is_made_up_for_after_three_days(catch_up: CatchUp, late_by: timedelta, expected: list[str]) -> None:
    each = every("0 3 * * *", "UTC", catch_up)
    due = each.due(row("2026-01-02T03:00", of=each), at("2026-01-04T03:00") + late_by)
    assert due == Due(tuple(map(at, expected)), at("2026-01-05T03:00"))


def test_of_years_of_minutes_the_last_hundred_are_made_up_for() -> None:
    each, now = every("* * * * *", "UTC", CatchUp.ALL), at("2026-01-01T00:00")
    due = each.due(row("2006-01-01T00:00", of=each), now)
    assert due is not None
    assert len(due.ticks) == MOST_CAUGHT_UP
    assert (due.ticks[0], due.ticks[-1]) == (now - timedelta(minutes=99), now)


@pytest.mark.parametrize("moment", ["2026-01-01T02:59:59", "2026-01-01T01:00", "2025-12-31T03:30"])
def test_nothing_is_due_before_its_time_even_if_the_clock_goes_back_a_little(moment: str) -> None:
    each = every("0 3 * * *", "UTC")
    assert each.due(row("2026-01-01T03:00", "2025-12-31T03:00", of=each), at(moment)) is None


@pytest.mark.parametrize("last", [None, "2026-01-01T03:00"])
def test_a_clock_that_was_years_ahead_does_not_silence_it_for_years(last: str | None) -> None:
    each = every("0 3 * * *", "UTC")
    assert each.due(row("2026-01-02T03:00", last, of=each), at("2016-01-01T12:00")) == Due((), at("2016-01-02T03:00"))


def test_a_yearly_schedule_is_no_clock_that_was_ahead() -> None:
    each = every("0 3 1 jan *", "UTC")
    assert each.due(row("2027-01-01T03:00", "2026-01-01T03:00", of=each), at("2026-01-02T03:00")) is None


def test_nothing_is_due_of_a_schedule_that_is_paused() -> None:
    each, changed = every("0 3 * * *", "UTC"), every("0 4 * * *", "UTC")
    for now in (each, changed):
        assert now.due(row(None, of=each, is_paused=True), at("2026-01-01T03:00")) is None


def test_a_changed_trigger_is_planned_anew() -> None:
    before, after = every("0 3 * * *", "UTC"), every("0 4 * * *", "UTC")
    due = after.due(row("2026-01-02T03:00", "2026-01-01T03:00", of=before), at("2026-01-01T12:00"))
    assert due == Due((), at("2026-01-02T04:00"))


def test_a_tick_that_is_due_already_when_the_trigger_changes_is_not_lost() -> None:
    before, after = every("0 3 * * *", "UTC"), every("0 4 * * *", "UTC")
    due = after.due(row("2026-01-02T03:00", of=before), at("2026-01-02T03:00:01"))
    assert due == Due((at("2026-01-02T03:00"),), at("2026-01-02T04:00"))


def test_a_trigger_that_has_come_to_its_end_fires_no_more() -> None:
    each = schedule(trip, CronTrigger(hour=3, timezone=UTC, end_date=at("2026-01-02T12:00")), Trip())
    assert each.due(row("2026-01-02T03:00", of=each), at("2026-01-02T03:00")) == Due((at("2026-01-02T03:00"),), None)
    assert each.due(row(None, "2026-01-02T03:00", of=each), at("2026-02-01T00:00")) is None
