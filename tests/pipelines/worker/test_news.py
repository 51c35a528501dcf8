"""What a watcher is told, wherever he stopped listening."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from pipelines import Attempt, AttemptMade, AttemptOutcome, Progress, RunNews, RunStands, RunState
from pipelines.journal.sighting import Sighting
from pipelines.run import Direction
from pipelines.worker.news import has_told_the_end, news_since

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def an_attempt(place: int) -> Attempt:
    return Attempt(
        step=f"step {place}",
        direction=Direction.DO,
        number=1,
        place=place,
        outcome=AttemptOutcome.SUCCESS,
        started_at=NOON,
        finished_at=NOON,
    )


def seen(tries: int, state: RunState = RunState.RUNNING, progress: Progress | None = None) -> Sighting:
    return Sighting(
        state=state,
        step=f"step {tries + 1}",
        tries=tries,
        reason=None,
        due_at=NOON,
        finished_at=None,
        progress=progress,
        attempts=tuple(an_attempt(place) for place in range(1, tries + 1)),
    )


# A run as a watcher could have seen it, look by look.
STORY = [
    seen(0),
    seen(0, progress=Progress(1, 2)),
    seen(1),
    seen(3, RunState.WAITING),
    seen(3),
    seen(4, RunState.COMPLETED),
]


def listened(story: list[Sighting], after: str | None = None) -> list[RunNews]:
    told: list[RunNews] = []
    for look in story:
        told += news_since(look, told[-1].id if told else after)
    return told


def in_short(told: list[RunNews]) -> list[object]:
    return [each.attempt.place if isinstance(each, AttemptMade) else (each.state, each.progress) for each in told]


def test_attempts_are_told_once_each_and_standings_as_they_change() -> None:
    running, waiting = (RunState.RUNNING, None), (RunState.WAITING, None)
    going = (RunState.RUNNING, Progress(1, 2))
    ended = (RunState.COMPLETED, None)
    assert in_short(listened(STORY)) == [running, going, 1, running, 2, 3, waiting, running, 4, ended]


@pytest.mark.parametrize("heard", range(11))
@pytest.mark.parametrize("missed", range(len(STORY)))
def test_who_comes_back_hears_each_attempt_once_and_how_it_stands(heard: int, missed: int) -> None:
    before = listened(STORY)[:heard]
    after = listened(STORY[missed:], before[-1].id if before else None)
    attempts = [each.attempt.place for each in [*before, *after] if isinstance(each, AttemptMade)]
    assert attempts == [1, 2, 3, 4]
    assert in_short([*before, *after])[-1] == (RunState.COMPLETED, None)


def test_who_has_missed_nothing_is_told_nothing() -> None:
    for length in range(1, len(STORY) + 1):
        last = listened(STORY[:length])[-1]
        assert list(news_since(STORY[length - 1], last.id)) == []


@pytest.mark.parametrize("foreign", ["", "x", "-1.running", "9" * 30, "٣.running.12345678", "\x00"])
def test_an_id_that_is_none_of_ours_starts_from_the_beginning(foreign: str) -> None:
    assert in_short(listened([STORY[2]], foreign)) == [1, (RunState.RUNNING, None)]


def test_each_pause_is_told_though_the_run_was_not_seen_in_between() -> None:
    first, later = seen(1, RunState.WAITING), replace(seen(1, RunState.WAITING), due_at=NOON.replace(hour=13))
    told = listened([first, later])
    assert [each.due_at.hour for each in told if isinstance(each, RunStands) and each.due_at] == [12, 13]


def test_the_end_is_told_before_it_is_over() -> None:
    told = listened(STORY)
    over = [has_told_the_end(STORY[-1], each.id) for each in told]
    assert over == [False] * (len(told) - 1) + [True]
